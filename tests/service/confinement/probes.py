"""A model of own, trusted code that tries what a confined service must not do, and tells what came of it.

`CODE` is the code of its module. The model takes one number, the number of an attempt: it answers with what
the attempt did in the worker, and before with what it did in the server, while the model was loaded.
"""

from __future__ import annotations

# What a service cannot do unless a setting gives it the right: EGRESS, PROGRAMS, FILES.
CONNECTIONS = ("tcp", "tcp6", "fast_open", "udp", "unix", "unix_datagram", "netlink", "name")
PROGRAMS = ("system", "subprocess", "spawn", "exec", "memory_file")
FILES = (
    *("write", "append", "make", "folder", "link", "hard_link", "remove", "rename", "rights", "times"),
    *("shorten", "shorten_by_open", "read", "list", "temporary", "other_environment", "stop_parent"),
)
ALWAYS = ("ptrace", "other_memory", "namespace", "keys", "kernel_filter", "ring", "mount", "limits_of_parent")
# What a service does.
ALLOWED = ("thread", "own_memory", "pair", "own_signal", "null", "listen", "executable_memory", "own_status")

CODE = r"""
import ctypes, mmap, os, pathlib, resource, signal, socket, subprocess, sys, threading

HOME = pathlib.Path(os.environ["PROBE_HOME"])
PORT = int(os.environ["PROBE_PORT"])
LIBRARY = ctypes.CDLL(None, use_errno=True)

def call(function, *arguments):
    if function(*arguments) == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))

def number(x86, arm):
    return x86 if os.uname().machine == "x86_64" else arm

def system_call(x86, arm, *arguments):
    call(LIBRARY.syscall, ctypes.c_long(number(x86, arm)), *[ctypes.c_long(one) for one in arguments])

def tcp():
    socket.create_connection(("127.0.0.1", PORT), timeout=5).close()

def tcp6():
    with socket.socket(socket.AF_INET6) as one:
        one.connect(("::1", PORT))

def fast_open():
    with socket.socket() as one:
        one.sendto(b"x", socket.MSG_FASTOPEN, ("127.0.0.1", PORT))

def udp():
    with socket.socket(type=socket.SOCK_DGRAM) as one:
        one.sendto(b"x", ("127.0.0.1", PORT))

def unix():
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(str(HOME / "socket"))

def unix_datagram():
    for one in socket.socketpair(type=socket.SOCK_DGRAM):
        one.close()

def netlink():
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close()

def name():
    socket.gethostbyname("name.invalid")

def system():
    if os.system("touch " + str(HOME / "system")) != 0:
        raise PermissionError(1, "the shell was not started")

def subprocess_():
    subprocess.run([sys.executable, "-c", "pass"], check=True)

def spawn():
    pid = os.posix_spawn(sys.executable, [sys.executable, "-c", "pass"], {})
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0:
        raise PermissionError(1, "it did not run")

def in_child(action):
    pid = os.fork()
    if pid == 0:
        try:
            action()
        finally:
            os._exit(9)
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9:
        raise PermissionError(1, "it did not run")

def exec_():
    in_child(lambda: os.execv(sys.executable, [sys.executable, "-c", "pass"]))

def memory_file():
    file = os.memfd_create("program")
    os.write(file, b"#!/bin/sh" + bytes([10]))
    in_child(lambda: os.execve(file, ["program"], {}))

def write():
    (HOME / "made").write_text("x")

def append():
    with (HOME / "secret").open("a"): pass

def make():
    os.mknod(HOME / "made")

def folder():
    (HOME / "made").mkdir()

def link():
    (HOME / "made").symlink_to("/etc/passwd")

def hard_link():
    os.link(HOME / "secret", HOME / "made")

def remove():
    (HOME / "secret").unlink()

def rename():
    (HOME / "secret").rename(HOME / "made")

def rights():
    (HOME / "secret").chmod(0o777)

def times():
    os.utime(HOME / "secret")

def shorten():
    os.truncate(HOME / "secret", 0)

def shorten_by_open():
    os.close(os.open(HOME / "secret", os.O_RDONLY | os.O_TRUNC))

def read():
    (HOME / "secret").read_text()

def list_():
    os.listdir(HOME)

def temporary():
    import tempfile
    tempfile.TemporaryFile(dir="/tmp").close()

def scratch():
    import tempfile
    with tempfile.TemporaryDirectory() as made:
        file = pathlib.Path(made) / "file"
        file.write_text("x")
        file.rename(file.with_suffix(".new"))
    tempfile.TemporaryFile().close()

def other_environment():
    pathlib.Path(f"/proc/{os.environ['PROBE_PARENT']}/environ").read_bytes()

def stop_parent():
    os.kill(int(os.environ["PROBE_PARENT"]), 0)

def ptrace():
    call(LIBRARY.ptrace, 16, int(os.environ["PROBE_PARENT"]), None, None)

def other_memory():
    system_call(310, 270, os.getpid(), 0, 0, 0, 0, 0)

def namespace():
    call(LIBRARY.unshare, 0x10000000)

def keys():
    system_call(250, 219, 0, -3, 0)

def kernel_filter():
    system_call(321, 280, 0, 0, 0)

def ring():
    system_call(425, 425, 1, 0)

def mount():
    call(LIBRARY.mount, b"none", b"/", None, 32, None)

def limits_of_parent():
    resource.prlimit(int(os.environ["PROBE_PARENT"]), resource.RLIMIT_CORE, (0, 0))

def thread():
    one = threading.Thread(target=len, args=("x",))
    one.start()
    one.join()

def own_memory():
    mmap.mmap(-1, 4096).close()

def pair():
    one, other = socket.socketpair()
    with one, other:
        one.sendall(b"x")
        other.recv(1)

def own_signal():
    os.kill(os.getpid(), 0)

def null():
    with open(os.devnull, "w") as file:
        file.write("x")

def listen():
    socket.socket().close()

def executable_memory():
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC).close()

def own_status():
    pathlib.Path("/proc/self/status").read_text()

def outcome(name):
    action = globals().get(name + "_") or globals()[name]
    try:
        action()
    except OSError as error:
        return f"{type(error).__name__}: {error.strerror}"
    return "done"

class Prober:
    n_features_in_ = 1
    names = NAMES

    def __getstate__(self):
        return {"some": "state"}

    def __setstate__(self, state):
        self.at_load = [outcome(name) for name in self.names]

    def predict(self, table):
        return [self.answer(int(row[0])) for row in table]

    def answer(self, number):
        return f"{self.at_load[number]} | {outcome(self.names[number])}"
"""


def module(names: tuple[str, ...]) -> str:
    """Give the code of a module whose model makes these attempts."""
    return CODE.replace("NAMES", repr(names))
