"""The part of pynng that we use, by ctypes on Debian's libnng: where pip's pynng cannot be had.

Same names, same meaning (https://pynng.readthedocs.io): Sub0 and Req0 with dial, topics,
recv_timeout, send_timeout; recv, send, subscribe, close; Timeout and Closed.
"""
import ctypes
import ctypes.util

_nng = ctypes.CDLL(ctypes.util.find_library("nng") or "libnng.so.1")
_ALLOC, _NONBLOCK = 1, 2
_ETIMEDOUT, _ECLOSED = 5, 7


class _Socket(ctypes.Structure):
    _fields_ = [("id", ctypes.c_uint32)]


_nng.nng_strerror.restype = ctypes.c_char_p
_nng.nng_free.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_nng.nng_socket_set.argtypes = [_Socket, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t]
_nng.nng_socket_set_ms.argtypes = [_Socket, ctypes.c_char_p, ctypes.c_int32]
_nng.nng_socket_set_int.argtypes = [_Socket, ctypes.c_char_p, ctypes.c_int]
_nng.nng_socket_set_size.argtypes = [_Socket, ctypes.c_char_p, ctypes.c_size_t]
_nng.nng_dial.argtypes = [_Socket, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int]
_nng.nng_send.argtypes = [_Socket, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
_nng.nng_recv.argtypes = [_Socket, ctypes.POINTER(ctypes.c_void_p),
                          ctypes.POINTER(ctypes.c_size_t), ctypes.c_int]
_nng.nng_close.argtypes = [_Socket]


class NNGException(Exception):
    pass


class Timeout(NNGException):
    pass


class Closed(NNGException):
    pass


def _check(code):
    if code == _ETIMEDOUT:
        raise Timeout("timed out")
    if code == _ECLOSED:
        raise Closed("closed")
    if code != 0:
        raise NNGException(_nng.nng_strerror(code).decode())


class _Base:
    _open = None

    def __init__(self, *, dial=None, recv_timeout=None, send_timeout=None, recv_buffer_size=None,
                 recv_max_size=None):
        self.socket = _Socket()
        _check(getattr(_nng, self._open)(ctypes.byref(self.socket)))
        for name, value in (("recv-timeout", recv_timeout), ("send-timeout", send_timeout)):
            if value is not None:
                _check(_nng.nng_socket_set_ms(self.socket, name.encode(), value))
        if recv_buffer_size is not None:
            _check(_nng.nng_socket_set_int(self.socket, b"recv-buffer", recv_buffer_size))
        if recv_max_size is not None:
            _check(_nng.nng_socket_set_size(self.socket, b"recv-size-max", recv_max_size))
        if dial is not None:
            self.dial(dial)

    def dial(self, url, block=False):
        _check(_nng.nng_dial(self.socket, url.encode(), None, 0 if block else _NONBLOCK))

    def recv(self):
        data, size = ctypes.c_void_p(), ctypes.c_size_t()
        _check(_nng.nng_recv(self.socket, ctypes.byref(data), ctypes.byref(size), _ALLOC))
        try:
            return ctypes.string_at(data, size.value)
        finally:
            _nng.nng_free(data, size)

    def send(self, data):
        _check(_nng.nng_send(self.socket, data, len(data), 0))

    def close(self):
        _nng.nng_close(self.socket)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Sub0(_Base):
    _open = "nng_sub0_open"

    def __init__(self, *, topics=None, **kwargs):
        dial = kwargs.pop("dial", None)
        super().__init__(**kwargs)
        for topic in [topics] if isinstance(topics, (str, bytes)) else topics or []:
            self.subscribe(topic)
        if dial is not None:
            self.dial(dial)

    def subscribe(self, topic):
        topic = topic.encode() if isinstance(topic, str) else topic
        _check(_nng.nng_socket_set(self.socket, b"sub:subscribe", topic, len(topic)))


class Req0(_Base):
    _open = "nng_req0_open"
