"""Si un panel se lee: qué se pisa, qué se sale, qué texto se corta y con cuánto contraste se ve."""

from playwright.sync_api import Locator

PIECES = (
    ".widget-label, .slider-container, .widget-readout, .widget-upload, .widget-toggle-button, select, "
    "input[type=checkbox], img, .widget-html-content"
)
# Un píxel es el redondeo de las medidas; dos, el margen de los controles de ipywidgets.
CROWDED = """(root, selector) => {
    const area = root.getBoundingClientRect();
    const pieces = [...root.querySelectorAll(selector)]
        .map(each => [each, each.getBoundingClientRect()])
        .filter(([, box]) => box.width > 0 && box.height > 0);
    const name = each => each.textContent.trim().slice(0, 40) || each.className || each.tagName;
    const found = pieces
        .filter(([, box]) => box.left < area.left - 2 || box.right > area.right + 2)
        .map(([each]) => `«${name(each)}» se sale`);
    for (const [i, [one, a]] of pieces.entries())
        for (const [other, b] of pieces.slice(i + 1)) {
            const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
            const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
            if (width > 1 && height > 1 && !one.contains(other) && !other.contains(one))
                found.push(`«${name(one)}» y «${name(other)}» se pisan`);
        }
    for (const [each] of pieces)
        if (each.scrollWidth > each.clientWidth + 1 && !each.matches('img, input, select, .slider-container'))
            found.push(`«${name(each)}» se corta`);
    return found;
}"""
# Contraste según las pautas WCAG 2: (L1 + 0,05) / (L2 + 0,05), con L la luminancia relativa.
FAINT = """(root, least) => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const rgba = color => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const luminance = color => {
        const linear = c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
        const [r, g, b] = rgba(color).map(c => linear(c / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const background = each => {
        while (rgba(getComputedStyle(each).backgroundColor)[3] < 255) each = each.parentElement;
        return getComputedStyle(each).backgroundColor;
    };
    const found = [];
    for (const each of root.querySelectorAll('*')) {
        const own = [...each.childNodes].filter(node => node.nodeType === Node.TEXT_NODE);
        const text = own.map(node => node.data.trim()).join('');
        if (!text || each.tagName === 'OPTION' || each.getClientRects().length === 0) continue;
        const colors = [getComputedStyle(each).color, background(each)];
        const [dark, light] = colors.map(luminance).sort((a, b) => a - b);
        const contrast = (light + 0.05) / (dark + 0.05);
        if (contrast < least) found.push(`«${text.slice(0, 40)}»: ${contrast.toFixed(1)}`);
    }
    return found;
}"""
LEAST_CONTRAST = 4.5


def crowded(root: Locator) -> list[str]:
    """Lo que se pisa, se sale del panel o se corta."""
    return root.evaluate(CROWDED, PIECES)


def faint(root: Locator) -> list[str]:
    """Los textos con un contraste menor que 4,5, el que pide WCAG 2 para los de tamaño normal."""
    return root.evaluate(FAINT, LEAST_CONTRAST)
