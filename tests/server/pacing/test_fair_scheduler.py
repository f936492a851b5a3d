"""Fair scheduling: a source with much work alternates with the others."""

import asyncio

from server.pacing.fair_scheduler import FairScheduler


async def test_rescheduled_work_runs_after_other_work_and_survives_exceptions() -> None:
    scheduler, done = FairScheduler(), list[str]()
    over = asyncio.Event()

    def work(name: str, parts: int) -> None:
        done.append(name)
        if parts > 1:
            scheduler.schedule(lambda: work(name, parts - 1))
        elif name == "much":
            over.set()

    def fail() -> None:
        raise ValueError

    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context["exception"]))
    scheduler.schedule(lambda: work("much", 3))
    scheduler.schedule(fail)
    scheduler.schedule(lambda: work("little", 2))
    assert done == []
    async with asyncio.timeout(10):
        await over.wait()
    assert done == ["much", "little", "much", "little", "much"]
    assert [type(fault) for fault in faults] == [ValueError]
