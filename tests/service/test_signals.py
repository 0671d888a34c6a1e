"""A first signal asks the service to stop, a second one ends it, and its handlers go with it."""

import signal
import subprocess
import sys
import threading

from service.signals import asked_to_stop
from tests.processes import environment

# The main thread is inside a C library, as while ONNX Runtime loads a file, and no handler of Python's can run.
BUSY = """
import ctypes
from service.signals import asked_to_stop
with asked_to_stop() as asked:
    print("busy", flush=True)
    semaphore = ctypes.create_string_buffer(64)
    library = ctypes.CDLL(None)
    library.sem_init(semaphore, 0, 0)
    threading.Thread(target=lambda: (asked.wait(), print("asked", flush=True)), daemon=True).start()
    library.sem_wait(semaphore)
"""


def test_a_second_signal_ends_the_process_though_its_main_thread_is_busy():
    command = [sys.executable, "-c", "import threading\n" + BUSY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        assert process.stdout.readline() == "busy\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "asked\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 128 + signal.SIGINT


def test_signals_are_as_before_when_the_service_has_ended():
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    with asked_to_stop() as asked:
        signal.raise_signal(signal.SIGTERM)
        assert asked.wait(30)
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before
    assert signal.set_wakeup_fd(-1) == -1
    assert "signals" not in {thread.name for thread in threading.enumerate()}
