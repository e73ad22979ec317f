"""Caballos y personas: individuos que se distinguen, posturas posibles y pinturas de su color."""

import dataclasses

import numpy as np
import pytest

from generador import horse, human
from generador.chance import Chance
from generador.geometry import rotation
from generador.horse import COATS, Horse, HorseFigure
from generador.human import FACE_CLEARANCE, Human, HumanFigure
from generador.human_head import LONG_STYLES, SHORT_STYLES
from generador.plan import individual
from generador.surface import visible_surface

FRONT = rotation("y", -np.pi / 2)  # una persona mira a la cámara
COUNT = 40


def chance(session, picture=0):
    return Chance(np.random.default_rng([1, session]), np.random.default_rng([2, session, picture]))


def horse_figure(number, picture=0, **changes):
    return HorseFigure(dataclasses.replace(individual(0, number), **changes), chance(number, picture))


def human_figure(number, picture=0, view=FRONT, **changes):
    return HumanFigure(dataclasses.replace(individual(1, number), **changes), view, chance(number, picture))


def capsules_of(figure, *groups):
    capsules = figure.body.capsules()
    return capsules.select(np.isin(capsules.group, [figure.body.groups.index(group) for group in groups]))


def painted(figure, camera):
    """Color lineal (3, M) y parte (M,) de cada punto visible del todo."""
    surface = visible_surface(figure.body, camera)
    material = figure.material(surface, camera.scale)
    return material.color[:, surface.coverage == 1], material.parts[surface.coverage == 1]


def srgb(color):
    return np.asarray(color, float) ** (1 / 2.2)


def equal(first, second):
    return all(
        np.array_equal(value, other) if not dataclasses.is_dataclass(value) else equal(value, other)
        for value, other in zip(vars(first).values(), vars(second).values(), strict=True)
    )


# --- Individuos ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", [0, 1])
def test_an_individual_is_always_the_same_and_unlike_the_others(label):
    first, again = ([individual(label, number) for number in range(COUNT)] for _ in range(2))
    assert all(map(equal, first, again))
    assert not any(equal(first[i], first[j]) for i in range(COUNT) for j in range(i))


def test_every_horse_has_its_coat_and_all_are_used():
    coats = [individual(0, number).coat for number in range(2 * len(COATS))]
    assert sorted(coats) == sorted(2 * list(COATS))


def test_men_and_women_have_every_skin():
    looks = [individual(1, number).look for number in range(2 * len(human.SKINS))]
    assert sum(look.woman for look in looks) == len(human.SKINS)
    for woman in (False, True):
        tones = sorted(float(look.skin.sum()) for look in looks if look.woman == woman)
        expected = sorted(float(skin.sum()) for skin in human.SKINS)
        assert np.allclose(tones, expected, rtol=0.0601)  # cada complexión varía hasta un 6 %


@pytest.fixture(scope="module")
def people():
    return [Human.random(seed % 7, seed % 2 == 0, np.random.default_rng(seed)) for seed in range(300)]


def test_clothes_stand_out_from_the_skin_and_from_each_other(people):
    def contrast(first, second):
        return np.linalg.norm(srgb(first) - srgb(second))

    for person in people:
        cloth = person.bottom_color / np.float32(0.85)  # el pantalón se oscurece después de elegir la tela
        assert contrast(person.top_color, person.look.skin) > 0.2
        assert contrast(cloth, person.look.skin) > 0.2
        assert contrast(cloth, person.top_color) > 0.2
        assert contrast(person.inner_color, person.top_color) > 0.2


def test_hair_eyes_and_beard_go_with_their_person(people):
    for number, person in enumerate(people):
        look = person.look
        assert look.style in (LONG_STYLES if look.woman else SHORT_STYLES)
        assert not (look.woman and look.beard)
        assert look.woman or not person.dress
        if number % 7 >= human.DARK_SKIN:
            assert look.hair.max() < 0.11 and look.iris.max() < 0.07
    assert {person.look.style for person in people} == {*LONG_STYLES, *SHORT_STYLES}


# --- Posturas -----------------------------------------------------------------------------------------


def lowest_and_highest(capsules):
    ends = np.concatenate([capsules.start[:, 1], capsules.end[:, 1]])
    radii = np.concatenate([capsules.radius, capsules.end_radius])
    return (ends - radii).min(), (ends + radii).max()


@pytest.mark.parametrize("number", range(COUNT))
def test_horses_have_four_hooves_over_the_ground_and_the_measures_of_a_horse(number):
    figure = horse_figure(number)
    hooves = capsules_of(figure, "hoof")
    assert len(hooves.start) == 4
    assert -0.06 < lowest_and_highest(hooves)[0] < 0.06  # al galope, ninguno pisa
    everything = figure.body.capsules()
    assert np.all(everything.end[:, 1] > 0) and np.all(everything.start[:, 1] > 0)
    _, highest = lowest_and_highest(capsules_of(figure, "trunk", "head"))
    assert 1.5 < highest < 2.4
    assert 2.1 < np.ptp(np.concatenate([everything.start, everything.end])[:, 0]) < 2.8


@pytest.mark.parametrize("number", range(COUNT))
def test_people_stand_on_their_soles_and_have_the_height_of_people(number):
    figure = human_figure(number)
    lowest, highest = lowest_and_highest(capsules_of(figure, "head", "scalp", "neck", "torso", "shoe"))
    assert lowest == pytest.approx(0, abs=0.005)
    assert 1.6 < highest < 1.9


def test_some_horses_stand_and_some_run():
    heights = np.array([capsules_of(horse_figure(number), "hoof").end[:, 1] for number in range(COUNT)])
    lifted = heights.max(axis=1) - heights.min(axis=1)
    assert (lifted < 0.05).sum() > 4 and (lifted > 0.2).sum() > 4


def test_people_have_their_hands_in_many_places():
    hands = [capsules_of(human_figure(number), "hand").start[0] for number in range(COUNT)]
    assert len({tuple(np.round(hand, 1)) for hand in hands}) > 10
    height = np.array(hands)[:, 1]
    assert height.min() < 0.9 and height.max() > 1.4


def clearance(figure, view):
    """Lo más cerca, en la imagen, que pasa un brazo del centro de la cara, si no es por detrás."""
    head = capsules_of(figure, "head")
    face = np.concatenate([head.start, head.end]).mean(axis=0) - 0.03  # el centro de los rasgos está delante
    arms = capsules_of(figure, "left arm", "right arm", "hand")
    steps = np.linspace(0, 1, 9)[:, np.newaxis, np.newaxis]
    points = (arms.start + steps * (arms.end - arms.start)).reshape(-1, 3)
    x, y, z = view @ (points - face).T
    return np.hypot(x, y)[z > 0].min(initial=1)


@pytest.mark.parametrize("turn", [-1.2, -0.6, 0, 0.6, 1.2])
def test_arms_leave_the_face_in_sight(turn):
    view = rotation("x", 0.05) @ FRONT @ rotation("y", turn)
    for number in range(COUNT):
        assert clearance(human_figure(number, view=view), view) > FACE_CLEARANCE - 0.06, number


@pytest.mark.parametrize("make", [horse_figure, human_figure])
def test_pictures_of_a_session_have_similar_postures(make):
    def heads(number):
        return [capsules_of(make(number, picture), "head").start.mean(axis=0) for picture in range(4)]

    sessions = np.array([heads(number) for number in range(12)])
    within = sessions.std(axis=1).mean()
    among = sessions.mean(axis=1).std(axis=0).mean()
    assert 0 < within < 0.3 * among


@pytest.mark.parametrize("make", [horse_figure, human_figure])
@pytest.mark.parametrize("framing", ["half", "head"])
def test_framings_look_at_the_head_and_the_closest_from_nearer(make, framing):
    for number in range(10):
        figure = make(number)
        head = capsules_of(figure, "head")
        middle = np.concatenate([head.start, head.end]).mean(axis=0)
        point, extent = figure.focus[framing]
        assert np.linalg.norm(point - middle) < extent / 2
        assert figure.focus["head"][1] < figure.focus["half"][1]


# --- Pinturas -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("coat", [coat for coat in COATS if not coat.startswith("tordo")])
def test_trunk_of_a_plain_horse_has_the_color_of_its_coat(coat, looking):
    color, parts = painted(horse_figure(1, coat=coat, pattern="liso"), looking(scale=80))
    assert np.allclose(np.median(color[:, parts == 2], axis=1), COATS[coat][0], rtol=0.1)


def test_mane_has_its_color_and_more_texture_than_the_coat(looking):
    figure = horse_figure(1, coat="alazán", pattern="liso")
    color, parts = painted(figure, looking(target=(0.7, 1.5, 0), turn=np.pi, scale=200))
    mane, trunk = (color[:, parts == part] for part in (4, 2))
    assert np.allclose(np.median(mane, axis=1), COATS["alazán"][2], rtol=0.15)
    assert mane[1].std() / mane[1].mean() > 2 * trunk[1].std() / trunk[1].mean()


@pytest.mark.parametrize("pattern", ["pío", "moteado"])
def test_patterned_horses_are_partly_white(pattern, looking):
    shares = []
    for number in range(6):
        color, parts = painted(horse_figure(number, coat="negro", pattern=pattern), looking(scale=80))
        shares.append((color[:, parts == 2].min(axis=0) > 0.4).mean())
    assert 0.05 < np.mean(shares) < 0.95


def test_socks_are_white_and_only_on_their_legs():
    for socks in (np.array([True, False, False, True]), np.zeros(4, bool)):
        legs = capsules_of(horse_figure(1, socks=socks, coat="negro"), "leg")
        white = (legs.color == horse.WHITE).all(axis=1)
        assert white.sum() == 3 * socks.sum()  # media caña, menudillo y cuartilla


def test_blaze_is_white_and_goes_down_the_face(looking):
    camera = looking(target=(1, 1.6, 0), turn=-np.pi / 2, scale=160)
    shares = []
    for blaze in (0.0, 0.018, 0.034):
        color, parts = painted(horse_figure(1, coat="negro", pattern="liso", blaze=blaze), camera)
        shares.append((color[:, parts == 1].min(axis=0) > 0.4).mean())
    assert shares[0] < 0.01 < shares[1] < shares[2] < 0.5


PLAIN = dict(top="manga larga", dress=False, shorts=False, striped=False)


@pytest.mark.parametrize("number", range(6))
def test_clothes_have_their_color(number, looking):
    figure = human_figure(number, **PLAIN)
    person, camera = figure.human, looking(turn=-np.pi / 2, scale=140)
    surface = visible_surface(figure.body, camera)
    color = figure.material(surface, camera.scale).color
    height = surface.points[1]
    trunk = surface.groups[figure.body.groups.index("torso")] > 0.9
    legs = sum(surface.groups[figure.body.groups.index(f"{side} leg")] for side in ("left", "right")) > 0.9
    assert np.allclose(
        np.median(color[:, trunk & (height > 1.1) & (height < 1.3)], axis=1), person.top_color, rtol=0.1
    )
    assert np.allclose(
        np.median(color[:, legs & (height > 0.2) & (height < 0.8)], axis=1), person.bottom_color, rtol=0.1
    )
    shoes = surface.groups[figure.body.groups.index("shoe")] > 0.9
    assert np.allclose(np.median(color[:, shoes], axis=1), person.shoe_color, rtol=0.1)


@pytest.mark.parametrize("number", range(6))
def test_face_and_hands_have_the_color_of_the_skin(number, looking):
    figure = human_figure(number, **PLAIN)
    camera = looking(target=(0, 1.45, 0), turn=-np.pi / 2, scale=260)
    surface = visible_surface(figure.body, camera)
    color = figure.material(surface, camera.scale).color
    cheeks = np.abs(figure._head.frame.to_local(surface.points)[1] + 0.02) < 0.02
    cheeks &= surface.groups[figure.body.groups.index("head")] > 0.9
    assert np.allclose(np.median(color[:, cheeks], axis=1), figure.human.look.skin, rtol=0.25)


@pytest.mark.parametrize("style", [*LONG_STYLES, *dict.fromkeys(SHORT_STYLES)])
def test_hair_is_a_part_unless_the_head_is_shaved(style, looking):
    look = dataclasses.replace(individual(1, 0).look, style=style)
    figure = human_figure(0, look=look)
    _, parts = painted(figure, looking(target=(0, 1.6, 0), turn=-np.pi / 2, scale=300))
    hair = (parts == 4).sum()
    assert hair == 0 if style == "rapado" else hair > 500
    assert (parts == 1).sum() > 1500


def test_hair_hangs_as_its_style_says(looking):
    lowest = []
    for style in ("corto", "melena", "flequillo", "larga"):
        figure = human_figure(0, look=dataclasses.replace(individual(1, 0).look, style=style))
        camera = looking(target=(0, 1.5, 0), turn=np.pi / 2, scale=200)  # de espaldas
        surface = visible_surface(figure.body, camera)
        hair = (figure.material(surface, camera.scale).parts == 4) & (surface.coverage == 1)
        lowest.append(surface.points[1][hair].min())
    assert np.all(np.diff(lowest) < -0.02)


def test_parts_are_the_four_of_both_classes(looking):
    for figure, turn in ((horse_figure(1), 0), (human_figure(1), -np.pi / 2)):
        _, parts = painted(figure, looking(turn=turn, scale=90))
        assert set(parts) == {1, 2, 3, 4}
    assert len(horse.PARTS) == len(horse.GROUPS)


def test_painting_is_the_same_each_time_and_finite(looking):
    for make, turn in ((horse_figure, 0), (human_figure, -np.pi / 2)):
        first, again = (painted(make(3), looking(turn=turn))[0] for _ in range(2))
        assert np.array_equal(first, again)
        assert np.isfinite(first).all() and first.min() >= 0 and first.max() < 1.3


def test_a_horse_is_drawn_from_its_generator():
    first, again, other = (Horse.random("bayo", np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert equal(first, again) and not equal(first, other)
