/** Sockets as Node cannot make them. Calls throw an `ErrnoException`, except where a `null` is said. */
export interface SocketCalls {
  /** A unix datagram socket bound to `path` (at most 107 bytes); close-on-exec, never blocks. */
  bindDatagram(path: string): number;
  /** The same socket by another close-on-exec descriptor. */
  duplicate(fd: number): number;
  /**
   * Takes one datagram without waiting: its length (0 is possible), cut to the buffer. Descriptors that came with it
   * are closed, which is what the sender of a `BARRIER=1` waits for. null: nothing has come.
   */
  receive(fd: number, buffer: Uint8Array): number | null;
  /** Sends one datagram to a unix socket, waiting for room if it must; `@` begins an abstract name, as in NOTIFY_SOCKET. */
  sendDatagram(path: string, text: string): void;
  /** A listening TCP socket that blocks, as services expect of one that they are handed; close-on-exec here. */
  listenTcp(address: { readonly host: string; readonly port: number; readonly backlog: number }): {
    readonly fd: number;
    readonly port: number;
  };
}

type Call = (...args: readonly unknown[]) => number;
interface Library {
  func(definition: string): Call;
}

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const F_DUPFD_CLOEXEC = 1030;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** Length of `sun_path`, with its closing NUL. */
const SUN_PATH = 108;
const SOCKADDR_UN = 2 + SUN_PATH;
const ADDRESS_AT = { [AF_INET]: 4, [AF_INET6]: 8 } as const;
const SOCKADDR_SIZE = { [AF_INET]: 16, [AF_INET6]: 28 } as const;
/** Descriptors 0–2 are never handed out for these. */
const FIRST = 3;

/** `close`: of `fs`, for what is half made when a later step fails. */
export function bindSockets(
  libc: Library,
  failed: () => string,
  must: (result: number, call: string, path?: string) => number,
  close: (fd: number) => void,
): SocketCalls {
  const socket = libc.func('int socket(int domain, int type, int protocol)');
  const bind = libc.func('int bind(int fd, const void *address, uint32 length)');
  const listen = libc.func('int listen(int fd, int backlog)');
  const sendto = libc.func(
    'long sendto(int fd, const void *bytes, size_t size, int flags, const void *address, uint32 length)',
  );
  const fcntl = libc.func('int fcntl(int fd, int command, long value)');
  const recv = libc.func('long recv(int fd, _Out_ uint8 *buffer, size_t length, int flags)');
  const setsockopt = libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32 length)');
  const getsockname = libc.func('int getsockname(int fd, _Out_ uint8 *address, _Inout_ uint32 *length)');
  const inetPton = libc.func('int inet_pton(int family, const char *text, _Out_ uint8 *address)');
  const orClose = <T>(fd: number, work: () => T): T => {
    try {
      return work();
    } catch (error) {
      close(fd);
      throw error;
    }
  };
  return {
    bindDatagram(path) {
      const bytes = Buffer.from(path);
      if (bytes.length >= SUN_PATH) throw new RangeError(`a socket path has at most ${SUN_PATH - 1} bytes: ${path}`);
      const address = Buffer.alloc(SOCKADDR_UN);
      address.writeUInt16LE(AF_UNIX, 0);
      bytes.copy(address, 2);
      const fd = must(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), 'socket');
      return orClose(fd, () => {
        must(bind(fd, address, 2 + bytes.length + 1), 'bind', path);
        return fd;
      });
    },
    sendDatagram(path, text) {
      const isAbstract = path.startsWith('@');
      const name = Buffer.from(isAbstract ? `\0${path.slice(1)}` : `${path}\0`);
      if (name.length > SUN_PATH) throw new RangeError(`a socket path has at most ${SUN_PATH - 1} bytes: ${path}`);
      const family = Buffer.alloc(2);
      family.writeUInt16LE(AF_UNIX, 0);
      const address = Buffer.concat([family, name]);
      const bytes = Buffer.from(text);
      const fd = must(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), 'socket');
      try {
        must(sendto(fd, bytes, bytes.length, MSG_NOSIGNAL, address, address.length), 'sendto', path);
      } finally {
        close(fd);
      }
    },
    duplicate: (fd) => must(fcntl(fd, F_DUPFD_CLOEXEC, FIRST), 'fcntl'),
    receive(fd, buffer) {
      const length = recv(fd, buffer, buffer.length, MSG_DONTWAIT);
      if (length < 0 && failed() === 'EAGAIN') return null;
      return must(length, 'recv');
    },
    listenTcp({ host, port, backlog }) {
      const family = host.includes(':') ? AF_INET6 : AF_INET;
      const address = Buffer.alloc(SOCKADDR_SIZE[family]);
      address.writeUInt16LE(family, 0);
      address.writeUInt16BE(port, 2);
      const number = Buffer.alloc(16);
      if (inetPton(family, host, number) !== 1) throw new RangeError(`not an IP address: ${host}`);
      number.copy(address, ADDRESS_AT[family], 0, family === AF_INET ? 4 : 16);
      const fd = must(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), 'socket');
      return orClose(fd, () => {
        const on = Buffer.alloc(4);
        on.writeInt32LE(1);
        must(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, on, on.length), 'setsockopt');
        must(bind(fd, address, address.length), 'bind', `${host} port ${port}`);
        must(listen(fd, backlog), 'listen');
        const own = Buffer.alloc(SOCKADDR_SIZE[family]);
        must(getsockname(fd, own, [own.length]), 'getsockname');
        return { fd, port: own.readUInt16BE(2) };
      });
    },
  };
}
