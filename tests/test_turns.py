"""Los turnos: lo que se pide va delante del trabajo, y el trabajo no dura seguido más de lo que se espera."""

import asyncio
import threading
import time

import pytest

from gradcam_helpers.engine import turns


@pytest.fixture(autouse=True)
def brief(monkeypatch):
    monkeypatch.setattr(turns, "CALM", 0.02)


def test_work_is_done_in_spells_and_until_there_is_no_more(monkeypatch):
    monkeypatch.setattr(turns, "SPELL", 0.01)
    done, free = [], []

    def work():
        done.append(time.monotonic())
        time.sleep(0.004)
        return len(done) < 12

    async def main():
        schedule.work_when_calm()
        while len(done) < 12:
            free.append(len(done))
            await asyncio.sleep(0)
        await asyncio.sleep(0.05)

    schedule = turns.Turns(lambda: None, work)
    asyncio.run(main())
    assert len(done) == 12
    assert len(set(free)) > 3  # entre rato y rato, el bucle atiende lo demás


def test_a_request_stops_the_work_at_once():
    done, attended = [], []

    def work():
        done.append(1)
        if len(done) == 3:
            schedule.ask()
        return True

    async def main():
        schedule.work_when_calm()
        await asyncio.sleep(0.2)

    schedule = turns.Turns(lambda: attended.append(len(done)), work)
    asyncio.run(main())
    assert attended == [3] and len(done) == 3


def test_a_request_from_another_thread_stops_the_work():
    done, started = [], threading.Event()

    def work():
        done.append(1)
        started.set()
        time.sleep(0.002)
        return len(done) < 1000

    async def worker():
        schedule.work_when_calm()
        await asyncio.sleep(0.3)

    async def mover():
        schedule.ask()
        await asyncio.sleep(0.05)

    schedule = turns.Turns(lambda: None, work)
    thread = threading.Thread(target=asyncio.run, args=(worker(),))
    thread.start()
    assert started.wait(5)
    asyncio.run(mover())
    before = len(done)
    thread.join()
    assert len(done) == before < 1000


def test_without_a_loop_requests_are_attended_at_once_and_there_is_no_work():
    attended = []
    schedule = turns.Turns(lambda: attended.append(1), lambda: pytest.fail("no hay ratos libres"))
    schedule.ask()
    schedule.work_when_calm()
    assert attended == [1]
