"""La superficie lisa que una cámara ve de un cuerpo: la unión suave de sus cápsulas.

La unión, f(p) = log Σᵢ exp(dᵢ(p) / kᵢ) llevada a metros, es positiva dentro; dᵢ es cuánto entra el punto
en la cápsula i, y kᵢ, la longitud en que se funde. De cada rayo se conoce casi la solución, la cápsula más
cercana, en forma cerrada, y bastan unos pasos de Newton. No hay mallas ni bucles sobre píxeles: se trabaja
con la lista de parejas (píxel, cápsula) que importan.
"""

from dataclasses import dataclass, replace

import numpy as np

from generador.geometry import Body, Camera, Capsules

NEWTON_STEPS = 4  # como mucho; casi todos los píxeles convergen en dos
TOLERANCE = 0.3  # píxeles a los que se da por alcanzada la superficie
REACH = 5.0  # veces `blend` desde la superficie a partir de las que una cápsula ya no se nota: e⁻⁵
FAR = np.float32(1e4)


@dataclass(frozen=True)
class Surface:
    """Lo que se ve del cuerpo, en los M píxeles que toca o que lo rodean.

    Atributos:
        pixels: índice de cada píxel en la imagen aplanada, (M,).
        coverage: parte del píxel que cubre el cuerpo, de 0 a 1, (M,).
        depth: metros hasta la cámara, (M,).
        points: posición en el marco del cuerpo, (3, M).
        normals: vector normal en el marco de la vista, (3, M).
        color: reflectancia lineal, mezcla de las cápsulas que concurren, (3, M).
        groups: peso de cada grupo anatómico, suma 1, (G, M).
    """

    pixels: np.ndarray
    coverage: np.ndarray
    depth: np.ndarray
    points: np.ndarray
    normals: np.ndarray
    color: np.ndarray
    groups: np.ndarray


@dataclass(frozen=True)
class Front:
    """La cápsula más cercana en cada píxel, en forma cerrada y sin fundirlas.

    Atributos:
        depth: metros hasta ella, float32 (size²,); `FAR` donde no hay ninguna cerca.
        inside: cuánto entra el píxel en la silueta, en píxeles, (size²,); negativo fuera.
        pixel, capsule: parejas que pueden importar al fundirlas, (P,).
    """

    depth: np.ndarray
    inside: np.ndarray
    pixel: np.ndarray
    capsule: np.ndarray


def front(capsules: Capsules, camera: Camera) -> Front:
    """Busca la cápsula más cercana en cada píxel: compara todas las de su entorno a la vez."""
    flat = _project(capsules, camera)
    counts, row, column = _pixels_of_windows(flat.low, flat.high)
    per_pixel = flat.repeat(counts)
    x = column + (np.float32(0.5) - per_pixel.column)
    y = row + (np.float32(0.5) - per_pixel.row)
    along = (x * per_pixel.across + y * per_pixel.down) * per_pixel.inverse_square
    position = np.minimum(np.maximum(along, per_pixel.first), per_pixel.last)
    x -= per_pixel.across * position
    y -= per_pixel.down * position
    radius = per_pixel.radius + per_pixel.growth * position
    # |q|² + s (q·lado)² = r² es una ecuación de segundo grado en la profundidad de q.
    lateral = x * per_pixel.side_across + y * per_pixel.side_down
    square = x * x + y * y + per_pixel.flattening * lateral * lateral
    height = (
        np.sqrt(np.maximum(radius * radius - square, 0)) * per_pixel.thickness + per_pixel.shift * lateral
    )
    nearest = per_pixel.depth + per_pixel.deepening * position - height * per_pixel.metres
    entered = radius - np.sqrt(square)
    is_flat = per_pixel.flat_length > 0
    entered[is_flat] = np.minimum(entered[is_flat], ((1 - along) * per_pixel.flat_length)[is_flat])
    pixel = (row * np.float32(camera.size) + column).astype(np.int64)
    depth = np.full(camera.size**2, FAR, np.float32)
    inside = np.full(camera.size**2, -FAR, np.float32)
    np.maximum.at(inside, pixel, entered)
    hit = entered > 0
    np.minimum.at(depth, pixel[hit], nearest[hit])
    # Donde no se toca ninguna, vale la profundidad de la que pasa más cerca.
    closest = (entered == inside[pixel]) & ~hit
    depth[pixel[closest]] = nearest[closest]
    near = (entered > -per_pixel.margin) & (per_pixel.first < per_pixel.last)
    return Front(depth, inside, pixel[near], per_pixel.capsule[near])


@dataclass(frozen=True)
class _Flat:
    """Cápsulas proyectadas en la imagen, en píxeles, y la ventana a la que puede afectar cada una, (W,).

    Una cápsula vista de punta se proyecta en poco más que sus dos extremos: aparece tres veces, entera y como
    las esferas de sus extremos. `first` y `last` limitan la parte de su eje que se mira.
    """

    capsule: np.ndarray
    low: np.ndarray  # (W, 2): columna y fila
    high: np.ndarray
    column: np.ndarray
    row: np.ndarray
    depth: np.ndarray  # metros
    across: np.ndarray
    down: np.ndarray
    deepening: np.ndarray
    inverse_square: np.ndarray
    radius: np.ndarray
    growth: np.ndarray
    side_across: np.ndarray
    side_down: np.ndarray
    flattening: np.ndarray
    shift: np.ndarray
    thickness: np.ndarray
    metres: np.ndarray  # metros por píxel
    margin: np.ndarray
    flat_length: np.ndarray
    first: np.ndarray
    last: np.ndarray

    def repeat(self, counts: np.ndarray) -> "_Flat":
        return _Flat(
            *(np.repeat(values, counts) if values.ndim == 1 else values for values in vars(self).values())
        )


def _project(capsules: Capsules, camera: Camera) -> _Flat:
    ends = camera.to_view(np.stack([capsules.start, capsules.end]))
    depths = np.maximum(-ends[..., 2], 1e-3)
    places, scales = camera.project(ends), camera.focal / depths
    radii = np.stack([capsules.radius, capsules.end_radius]) * scales
    margin = REACH / 2 * capsules.blend * scales.max(axis=0) + 1
    reach = (radii.max(axis=0) * np.maximum(1, capsules.width) + margin)[:, np.newaxis]
    span, deepening, scale = places[1] - places[0], depths[1] - depths[0], scales.mean(axis=0)
    square = np.maximum((span**2).sum(axis=1), 1e-6)
    side = capsules.side @ camera.rotation.T * [1, -1, 1]  # las filas crecen hacia abajo
    squeeze = 1 / capsules.width**2 - 1
    stretch = 1 + squeeze * side[:, 2] ** 2
    columns = dict(
        low=np.clip(np.floor(places.min(axis=0) - reach), 0, camera.size).astype(np.int32),
        high=np.clip(np.ceil(places.max(axis=0) + reach), 0, camera.size).astype(np.int32),
        column=places[0, :, 0],
        row=places[0, :, 1],
        depth=depths[0],
        across=span[:, 0],
        down=span[:, 1],
        deepening=deepening,
        inverse_square=1 / square,
        radius=radii[0],
        growth=radii[1] - radii[0],
        side_across=side[:, 0],
        side_down=side[:, 1],
        flattening=squeeze - squeeze**2 * side[:, 2] ** 2 / stretch,
        shift=-squeeze * side[:, 2] / stretch,
        thickness=1 / np.sqrt(stretch),
        metres=1 / scale,
        margin=margin,
        flat_length=np.sqrt(square) * capsules.flat,
    )
    end_on = np.flatnonzero(np.abs(deepening) * scale > 0.8 * np.sqrt(square))
    capsule = np.concatenate([np.arange(len(square)), end_on, end_on])
    whole, ends_only = np.zeros(len(square)), np.zeros(len(end_on))
    return _Flat(
        capsule=capsule,
        first=np.concatenate([whole, ends_only, ends_only + 1]).astype(np.float32),
        last=np.concatenate([whole + 1, ends_only, ends_only + 1]).astype(np.float32),
        **{
            name: values[capsule].astype(np.int32 if name in ("low", "high") else np.float32)
            for name, values in columns.items()
        },
    )


def _pixels_of_windows(low: np.ndarray, high: np.ndarray):
    """Cuántos píxeles tiene cada ventana, (W,), y fila y columna de todos ellos, en orden, (P,)."""
    widths, heights = np.maximum(high - low, 0).T
    counts = widths * heights
    first = np.repeat((np.cumsum(counts) - counts).astype(np.float32), counts)
    rank = np.arange(counts.sum(), dtype=np.float32) - first
    width = np.repeat(widths, counts).astype(np.float32)
    row = np.floor((rank + np.float32(0.5)) / width)
    column = rank - row * width
    left, top = np.repeat(low.T.astype(np.float32), counts, axis=1)
    return counts, row + top, column + left


@dataclass(frozen=True)
class _Pairs:
    """P parejas (píxel, cápsula), con la cápsula en la vista."""

    pixel: np.ndarray  # (P,)
    capsule: np.ndarray  # (P,)
    ray: np.ndarray  # (2, P): componentes x e y; la z es −1
    start: np.ndarray  # (3, P)
    span: np.ndarray  # del principio al final, (3, P)
    side: np.ndarray  # (3, P)
    squeeze: np.ndarray  # 1 / anchura − 1, (P,)
    inverse_square: np.ndarray  # 1 / |span|², (P,)
    radius: np.ndarray
    growth: np.ndarray  # diferencia de radios
    sharpness: np.ndarray  # 1 / blend
    flat_length: np.ndarray  # |span| si el extremo final es plano; si no, 0

    def select(self, kept: np.ndarray) -> "_Pairs":
        indices = np.flatnonzero(kept)
        return replace(self, **{name: value.take(indices, axis=-1) for name, value in vars(self).items()})


def visible_surface(body: Body, camera: Camera) -> Surface:
    """La superficie de la unión suave de las cápsulas, vista desde la cámara."""
    capsules = body.capsules()
    seen = front(capsules, camera)
    pixels, pairs = _list_pairs(capsules, camera, seen)
    depth, best = seen.depth[pixels], np.full(len(pixels), -FAR, np.float32)
    active, moving = pairs, np.ones(len(pixels), bool)
    for step_number in range(NEWTON_STEPS):
        value, slope, *_ = _field(active, depth)
        np.maximum(best, value, out=best, where=moving)
        step = np.clip(value / np.maximum(slope, 0.35), -0.1, 0.1)
        np.subtract(depth, step, out=depth, where=moving)
        moving &= np.abs(value) * camera.scale > TOLERANCE
        if step_number > 0:  # tras el primer paso aún se mueven casi todos: no compensa separarlos
            active = active.select(moving[active.pixel])
    value, _, weight, gradient = _field(pairs, depth)
    inside = np.maximum(seen.inside[pixels], np.maximum(best, value) * camera.focal / depth)
    return _describe(body, capsules, camera, pairs, pixels, depth, inside, weight, gradient)


def _list_pairs(capsules: Capsules, camera: Camera, seen: Front) -> tuple[np.ndarray, _Pairs]:
    """Los píxeles que el cuerpo puede tocar, (M,), y las parejas, con la posición de su píxel entre ellos."""
    touched = np.zeros(camera.size**2, bool)
    touched[seen.pixel] = True
    pixels = np.flatnonzero(touched)
    place = np.cumsum(touched) - 1
    starts = camera.to_view(capsules.start)
    spans = camera.to_view(capsules.end) - starts
    squares = np.maximum((spans**2).sum(axis=1), 1e-8)

    counts = np.bincount(seen.capsule, minlength=len(starts))

    def of_each(values):
        return np.repeat(np.asarray(values, np.float32).T, counts, axis=-1)

    pixel = place[seen.pixel]
    pairs = _Pairs(
        pixel=pixel,
        capsule=seen.capsule,
        ray=camera.rays(pixels)[:2, pixel],
        start=of_each(starts),
        span=of_each(spans),
        side=of_each(capsules.side @ camera.rotation.T),
        squeeze=of_each(1 / capsules.width - 1),
        inverse_square=of_each(1 / squares),
        radius=of_each(capsules.radius),
        growth=of_each(capsules.end_radius - capsules.radius),
        sharpness=of_each(1 / capsules.blend),
        flat_length=of_each(np.sqrt(squares) * capsules.flat),
    )
    return pixels, pairs


def _distances(pairs: _Pairs, depth: np.ndarray):
    """De cada pareja, cuánto entra el punto en la cápsula, (P,) y su vector achatado desde el eje, (3, P)."""
    away = depth[pairs.pixel]
    x = pairs.ray[0] * away - pairs.start[0]
    y = pairs.ray[1] * away - pairs.start[1]
    z = -away - pairs.start[2]
    along = (x * pairs.span[0] + y * pairs.span[1] + z * pairs.span[2]) * pairs.inverse_square
    position = np.minimum(np.maximum(along, 0), 1)
    x -= position * pairs.span[0]
    y -= position * pairs.span[1]
    z -= position * pairs.span[2]
    offset = _squeezed(pairs, (x, y, z))
    distance = pairs.radius + pairs.growth * position - _length(offset)
    cut = np.where(pairs.flat_length > 0, (1 - along) * pairs.flat_length, FAR)
    return np.minimum(distance, cut), offset


def _squeezed(pairs: _Pairs, vectors):
    """Alarga los vectores hacia el lado en que la cápsula es más estrecha."""
    x, y, z = vectors
    lateral = (x * pairs.side[0] + y * pairs.side[1] + z * pairs.side[2]) * pairs.squeeze
    return x + lateral * pairs.side[0], y + lateral * pairs.side[1], z + lateral * pairs.side[2]


def _length(vectors):
    x, y, z = vectors
    return np.sqrt(x * x + y * y + z * z) + np.float32(1e-6)


def _field(pairs: _Pairs, depth: np.ndarray):
    """La unión suave y su pendiente a lo largo del rayo, por píxel; el peso y el gradiente, por pareja."""
    distance, offset = _distances(pairs, depth)
    # La longitud achatada crece más deprisa hacia el lado estrecho: su gradiente lleva el factor otra vez.
    gradient = _squeezed(pairs, offset)
    weight = np.exp(np.minimum(distance * pairs.sharpness, 40))
    count = len(depth)
    total = np.bincount(pairs.pixel, weight, count) + 1e-12
    weight *= pairs.sharpness
    norm = np.bincount(pairs.pixel, weight, count) + 1e-12
    weight_of_gradient = weight / _length(offset)
    toward = gradient[2] - gradient[0] * pairs.ray[0] - gradient[1] * pairs.ray[1]
    slope = np.bincount(pairs.pixel, weight_of_gradient * toward, count) / norm
    value = np.log(total) * total / norm
    return (
        value.astype(np.float32),
        slope.astype(np.float32),
        weight,
        [weight_of_gradient * row for row in gradient],
    )


def _describe(body, capsules, camera, pairs, pixels, depth, inside, weight, gradient) -> Surface:
    """Promedia, en cada píxel, lo que aporta cada cápsula."""
    count, kept = len(pixels), inside > -3  # con lo que lo rodea: si hay un poro, se sabe de qué color es

    def total(values):
        return np.stack([np.bincount(pairs.pixel, row, count) for row in values])[:, kept]

    norm = np.bincount(pairs.pixel, weight, count)[kept] + 1e-12
    normal = total(gradient)
    groups = np.bincount(
        pairs.pixel + count * capsules.group[pairs.capsule], weight, count * len(body.groups)
    ).reshape(len(body.groups), count)[:, kept]
    view = camera.rays(pixels[kept]) * depth[kept]
    return Surface(
        pixels=pixels[kept],
        coverage=np.clip(inside[kept] + 0.5, 0, 1).astype(np.float32),
        depth=depth[kept],
        points=camera.to_body(view),
        normals=(normal / (np.sqrt((normal**2).sum(axis=0)) + 1e-9)).astype(np.float32),
        color=(total(weight * capsules.color.T[:, pairs.capsule]) / norm).astype(np.float32),
        groups=(groups / norm).astype(np.float32),
    )
