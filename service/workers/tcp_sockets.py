"""What the kernel knows of the TCP connections of this process: see tcp(7), `TCP_INFO`."""

from __future__ import annotations

import ctypes
import os
import socket
import stat
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_ESTABLISHED, _CLOSE_WAIT = 1, 8
# The first 152 bytes of `struct tcp_info` in linux/tcp.h, the same since Linux 4.6: the state, unacked,
# last_data_sent and last_data_recv, bytes_acked and bytes_received, notsent_bytes.
_FIELDS = struct.Struct("=B 23x I 16x I 4x I 64x Q Q 8x I 4x")
_TCP_INFO = 11
_NO_LINGER = struct.pack("ii", 1, 0)


class Connection(NamedTuple):
    """One connection at one moment. Times are in ms before this moment."""

    descriptor: int
    inode: int
    sent_ms_ago: int
    received_ms_ago: int
    acknowledged: int
    received: int
    # Bytes of answers that the client has not taken yet.
    unsent: int

    @property
    def quiet_ms(self) -> int:
        """For how long nothing was sent in either direction."""
        return min(self.sent_ms_ago, self.received_ms_ago)

    @property
    def is_asking(self) -> bool:
        """Whether the client has sent something since the last answer; False if both came in one moment."""
        # The byte that is acknowledged before anything was sent is the start of the connection.
        is_first = self.acknowledged <= 1 and not self.unsent
        return self.received > 0 and (is_first or self.received_ms_ago < self.sent_ms_ago)


class TcpSockets:
    """The connections that clients have made to one port of this process."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._buffer = ctypes.create_string_buffer(_FIELDS.size)
        self._size = ctypes.c_uint32()
        # The inodes of descriptors that are known to be clients, and of those that are known to be none.
        self._clients: dict[int, int] = {}
        self._others: dict[int, int] = {}

    def look(self) -> Iterator[Connection]:
        """Give all connections that a client has not ended."""
        clients, others = {}, {}
        for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 (of 10,000 names, paths take much longer)
            descriptor = int(name)
            with suppress(OSError):
                status = os.fstat(descriptor)
                inode = status.st_ino
                # Of any other file, no copy may be made: closing it would release this process's locks on the
                # file (fcntl(2)), by which the regions of shared counts are told apart.
                if not stat.S_ISSOCK(status.st_mode):
                    continue
                if self._others.get(descriptor) == inode:
                    others[descriptor] = inode
                    continue
                if self._clients.get(descriptor) != inode and not self._is_client(descriptor):
                    others[descriptor] = inode
                    continue
                clients[descriptor] = inode
                found = self._read(descriptor, inode)
                if found is not None:
                    yield found
        self._clients, self._others = clients, others

    def end(self, connection: Connection, how: int) -> None:
        """End a connection: `SHUT_RD` lets the server answer, `SHUT_RDWR` also forgets what is not sent.

        The descriptor may be another connection's by now. A copy of it stays what it is.
        """
        with suppress(OSError):
            if os.fstat(connection.descriptor).st_ino == connection.inode:
                self._end(connection, how)

    def _end(self, connection: Connection, how: int) -> None:
        with _copy(connection.descriptor) as copy:
            if os.fstat(copy.fileno()).st_ino != connection.inode:
                return
            if how == socket.SHUT_RDWR:
                copy.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            copy.shutdown(how)

    def listening(self) -> list[int]:
        """Give the descriptors on which this process may take connections to the port."""
        found = []
        for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 (as above)
            with suppress(OSError):
                # See `look`: of any other file, no copy may be made.
                if stat.S_ISSOCK(os.fstat(int(name)).st_mode) and self._is_here(int(name), listens=True):
                    found.append(int(name))
        return found

    def _is_client(self, descriptor: int) -> bool:
        """Tell whether this is a connection to the port; the listening socket and pipes are none."""
        return self._is_here(descriptor, listens=False)

    def _is_here(self, descriptor: int, *, listens: bool) -> bool:
        try:
            with _copy(descriptor) as copy:
                is_tcp = copy.type == socket.SOCK_STREAM and copy.family in (socket.AF_INET, socket.AF_INET6)
                is_here = is_tcp and copy.getsockname()[1] == self._port
                return is_here and bool(copy.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)) == listens
        except OSError:
            return False

    def _read(self, descriptor: int, inode: int) -> Connection | None:
        self._size.value = _FIELDS.size
        failed = self._libc.getsockopt(
            descriptor, socket.IPPROTO_TCP, _TCP_INFO, self._buffer, ctypes.byref(self._size)
        )
        if failed or self._size.value < _FIELDS.size:
            return None
        state, unacked, sent_ms, received_ms, acknowledged, received, unsent = _FIELDS.unpack(self._buffer)
        if state not in (_ESTABLISHED, _CLOSE_WAIT):
            return None
        return Connection(descriptor, inode, sent_ms, received_ms, acknowledged, received, unsent + unacked)


def _copy(descriptor: int) -> socket.socket:
    """Give a socket of its own for the descriptor of a socket; raise `OSError` for any other descriptor."""
    copy = os.dup(descriptor)
    try:
        return socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        raise
