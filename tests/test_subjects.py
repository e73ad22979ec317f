"""Los sujetos: separarlos de un fondo blanco y ponerlos sobre otro."""

import cv2
import numpy as np
import pytest

from gradcam_helpers import data

BROWN, WHITE = (120, 80, 40), (255, 255, 255)


def canvas(color=WHITE):
    return np.full((300, 300, 3), color, np.uint8)


def rectangle(image, color, top, bottom, left, right):
    image[top:bottom, left:right] = color
    return image


# --- Separarlos ---------------------------------------------------------------------------------------


def test_calculated_mask_is_the_stored_one(embedded_source):
    images, _ = data.load_images(embedded_source, "test")
    masks = data.load_masks(embedded_source, "test")
    for image, mask in zip(images, masks, strict=True):
        assert np.array_equal(data.subject_mask(image), mask)


def test_subject_is_what_is_not_white():
    mask = data.subject_mask(rectangle(canvas(), BROWN, 50, 250, 100, 200))
    assert mask.dtype == bool
    assert np.array_equal(np.argwhere(mask)[[0, -1]], [[50, 100], [249, 199]])
    assert mask.sum() == 200 * 100


def test_any_size():
    image = rectangle(np.full((40, 60, 3), 255, np.uint8), BROWN, 10, 20, 10, 30)
    assert data.subject_mask(image).sum() == 10 * 20


def test_noise_of_a_compressed_white_is_background():
    noise = np.random.default_rng(3).integers(246, 256, (300, 300, 3), dtype=np.uint8)
    assert data.subject_mask(rectangle(noise, BROWN, 50, 250, 100, 200)).sum() == 200 * 100


def test_smaller_things_are_not_the_subject():
    image = rectangle(canvas(), BROWN, 50, 250, 100, 200)
    rectangle(image, BROWN, 10, 30, 10, 90)
    assert data.subject_mask(image).sum() == 200 * 100


def test_gap_between_the_legs_is_background():
    image = rectangle(canvas(), BROWN, 50, 250, 100, 200)
    rectangle(image, WHITE, 150, 240, 140, 160)  # cerrado también por abajo
    mask = data.subject_mask(image)
    assert not mask[150:240, 140:160].any()
    assert mask.sum() == 200 * 100 - 90 * 20


@pytest.mark.parametrize("shirt", [(235, 240, 250), (225, 225, 225), (230, 225, 215)])
def test_light_clothes_are_subject(shirt):
    image = rectangle(canvas(), BROWN, 50, 250, 100, 200)
    rectangle(image, shirt, 80, 150, 120, 180)
    assert data.subject_mask(image).sum() == 200 * 100


@pytest.mark.parametrize("white_horse", [(230, 230, 230), (240, 236, 228), (150, 150, 150)])
def test_white_horse_is_subject(white_horse):
    assert data.subject_mask(rectangle(canvas(), white_horse, 50, 250, 100, 200)).sum() == 200 * 100


def test_color_keeps_a_blurred_subject():
    image = cv2.GaussianBlur(rectangle(canvas(), (235, 225, 210), 50, 250, 100, 200), (0, 0), 6)
    assert data.subject_mask(image)[50:250, 100:200].all()


def test_light_reflections_are_subject():
    image = rectangle(canvas(), BROWN, 50, 250, 100, 200)
    rectangle(image, WHITE, 100, 102, 130, 133)
    assert data.subject_mask(image).sum() == 200 * 100


@pytest.mark.parametrize("darkest", [210, 150, 90])
def test_soft_shadow_is_background(darkest):
    shadow = np.full((300, 300), 255, np.uint8)
    cv2.ellipse(shadow, (120, 245), (90, 25), 0, 0, 360, darkest, -1)
    image = np.repeat(cv2.GaussianBlur(shadow, (0, 0), 8)[..., np.newaxis], 3, axis=2)
    rectangle(image, BROWN, 50, 250, 100, 130)
    rectangle(image, BROWN, 50, 250, 160, 190)
    rectangle(image, BROWN, 50, 100, 130, 160)
    assert data.subject_mask(image).sum() == 2 * 200 * 30 + 50 * 30


@pytest.mark.parametrize("coverage", [0.1, 0.5, 0.9])
def test_halo_goes_to_whichever_it_resembles(coverage):
    image = rectangle(canvas(), np.uint8((1 - coverage) * 255 + coverage * np.array(BROWN)), 49, 251, 99, 201)
    mask = data.subject_mask(rectangle(image, BROWN, 50, 250, 100, 200))
    assert mask.sum() == (202 * 102 if coverage >= 0.5 else 200 * 100)


def test_subject_may_reach_the_border():
    mask = data.subject_mask(rectangle(canvas(), BROWN, 200, 300, 0, 150))
    assert mask.sum() == 100 * 150


def test_subject_mask_leaves_the_image_as_it_was():
    image = rectangle(canvas(), BROWN, 50, 250, 100, 200)
    image.setflags(write=False)
    assert np.array_equal(data.subject_mask(image), data.subject_mask(image.copy()))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (canvas((90, 140, 60)), "El fondo no es blanco: solo lo es el 0 % del borde"),
        (rectangle(canvas(), BROWN, 0, 300, 0, 160), "El fondo no es blanco: solo lo es el 48 % del borde"),
        (canvas(), "toda blanca"),
        (canvas((250, 248, 247)), "toda blanca"),
        (rectangle(canvas(), BROWN, 100, 102, 100, 103), "toda blanca"),
        (canvas().astype(np.float32), r"uint8 \(alto, ancho, 3\), y es float32 \(300, 300, 3\)"),
        (canvas()[..., 0], r"y es uint8 \(300, 300\)"),
        (canvas()[np.newaxis], r"y es uint8 \(1, 300, 300, 3\)"),
        (canvas()[:0], r"y es uint8 \(0, 300, 3\)"),
    ],
)
def test_subject_mask_rejects(image, message):
    with pytest.raises(ValueError, match=message):
        data.subject_mask(image)


# --- Ponerlos sobre otro fondo ------------------------------------------------------------------------


def neighbours(mask):
    """Los píxeles de fuera que tocan la máscara por un lado o por una esquina, calculados uno a uno."""
    found = {}
    for row, column in np.argwhere(~mask):
        window = mask[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        if window.any():
            inside = np.argwhere(window) + (max(row - 1, 0), max(column - 1, 0))
            distances = np.abs(inside - (row, column)).sum(axis=1)
            found[row, column] = [tuple(place) for place in inside[distances == distances.min()]]
    return found


def test_every_subject_is_identical_on_every_background(embedded_source):
    images, _ = data.load_images(embedded_source, "test")
    masks = data.load_masks(embedded_source, "test")
    backgrounds, _ = data.load_backgrounds()
    for image, mask in zip(images, masks, strict=True):
        ring = np.zeros_like(mask)
        ring[tuple(zip(*neighbours(mask), strict=True))] = True
        for pasted, background in zip(
            data.replace_background(image, mask, backgrounds), backgrounds, strict=True
        ):
            assert np.array_equal(pasted[mask], image[mask])
            assert np.array_equal(pasted[~mask & ~ring], background[~mask & ~ring])


def test_ring_is_half_background_and_half_the_nearest_pixel_of_the_subject(embedded_source):
    images, _ = data.load_images(embedded_source, "test", count=1)
    masks = data.load_masks(embedded_source, "test", count=1)
    backgrounds, _ = data.load_backgrounds()
    pasted = data.replace_background(images[0], masks[0], backgrounds[0]).astype(int)
    ring = neighbours(masks[0])
    assert len(ring) > 300
    for place, nearest in ring.items():
        halves = [(images[0][pixel].astype(int) + backgrounds[0][place]) // 2 for pixel in nearest]
        assert any(np.array_equal(pasted[place], half) for half in halves)


def test_one_image_or_many_on_one_background_or_many(embedded_source):
    images, _ = data.load_images(embedded_source, "test")
    masks = data.load_masks(embedded_source, "test")
    backgrounds = data.load_backgrounds()[0][:4]
    alone = data.replace_background(images[1], masks[1], backgrounds[1])
    assert (alone.dtype, alone.shape) == (np.uint8, (300, 300, 3))
    assert np.array_equal(data.replace_background(images, masks, backgrounds)[1], alone)
    assert np.array_equal(data.replace_background(images, masks, backgrounds[1])[1], alone)
    assert np.array_equal(data.replace_background(images[1], masks[1], backgrounds)[1], alone)
    assert data.replace_background(images[:1], masks[:1], backgrounds[1]).shape == (1, 300, 300, 3)


def test_replacing_twice_gives_the_same_and_changes_nothing_else(embedded_source):
    images, _ = data.load_images(embedded_source, "test")
    masks = data.load_masks(embedded_source, "test")
    backgrounds = data.load_backgrounds()[0][:4]
    arguments = images, masks, backgrounds
    before = [argument.copy() for argument in arguments]
    assert np.array_equal(data.replace_background(*arguments), data.replace_background(*arguments))
    assert all(map(np.array_equal, arguments, before))


def test_a_subject_that_fills_the_image_and_no_subject():
    image, background = canvas(BROWN), canvas((1, 2, 3))
    everything, nothing = np.ones((300, 300), bool), np.zeros((300, 300), bool)
    assert np.array_equal(data.replace_background(image, everything, background), image)
    assert np.array_equal(data.replace_background(image, nothing, background), background)


@pytest.mark.parametrize(
    ("image", "mask", "background", "message"),
    [
        (canvas() / 255, canvas()[..., 0] > 0, canvas(), "La imagen debe ser uint8.*float64"),
        (canvas(), canvas()[..., 0], canvas(), r"La máscara debe ser bool \(300, 300\).*y es uint8"),
        (canvas(), canvas() > 0, canvas(), r"La máscara debe ser bool.*y es bool \(300, 300, 3\)"),
        (
            np.stack([canvas()] * 2),
            canvas()[..., 0] > 0,
            canvas(),
            r"La máscara debe ser bool \(2, 300, 300\)",
        ),
        (canvas(), canvas()[..., 0] > 0, canvas()[:200], r"Los fondos deben ser del tamaño.*\(200, 300, 3\)"),
        (canvas(), canvas()[..., 0] > 0, canvas()[..., 0], r"El fondo debe ser uint8.*\(300, 300\)"),
    ],
)
def test_replace_background_rejects(image, mask, background, message):
    with pytest.raises(ValueError, match=message):
        data.replace_background(image, mask, background)


def test_as_many_backgrounds_as_images():
    images, backgrounds = np.stack([canvas()] * 3), np.stack([canvas()] * 2)
    with pytest.raises(ValueError, match="uno para todas o uno por imagen"):
        data.replace_background(images, images[..., 0] > 0, backgrounds)
