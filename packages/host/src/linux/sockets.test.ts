import { expect, test } from 'vitest';
import { decodeAddress, parseSockets } from './sockets.ts';

// Captured on Linux 6.18.
const tcp = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     
   0: 00000000:07E8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1081 1 00000000a1858ff2 100 0 0 10 0                      
   1: 0100007F:A575 00000000:0000 0A 00000000:00000001 00:00000000 00000000  1000        0 35177 2 00000000dd0e278d 100 0 0 10 0                     
   2: 0100007F:98D2 0100007F:A575 01 00000000:00000000 00:00000000 00000000     0        0 35179 2 00000000e6e2cf5e 20 0 0 10 -1                     
`;
const tcp6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000001000000:B699 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 35176 1 00000000cb7de97b 100 0 0 10 0
   1: 00000000000000000000000000000000:8749 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 35180 1 000000009db7c487 100 0 0 10 0
`;
const udp = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops            
  414: 00000000:DF7B 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 35178 2 00000000bdc57bd7 0         
`;

test('only what listens is read, with its user and inode', () => {
  expect(parseSockets(tcp, 'tcp')).toEqual([
    { protocol: 'tcp', address: '0.0.0.0', port: 2024, uid: 0, inode: 1081 },
    { protocol: 'tcp', address: '127.0.0.1', port: 42357, uid: 1000, inode: 35177 },
  ]);
});

test('IPv6 addresses are written the short way', () => {
  expect(parseSockets(tcp6, 'tcp').map(({ address, port }) => [address, port])).toEqual([
    ['::1', 46745],
    ['::', 34633],
  ]);
  expect(decodeAddress('B80D0120000000000000000001000000')).toBe('2001:db8::1');
  expect(decodeAddress('0000000000000000FFFF00000100007F')).toBe('::ffff:127.0.0.1');
});

test('an unconnected UDP socket waits for peers', () => {
  expect(parseSockets(udp, 'udp')).toEqual([
    { protocol: 'udp', address: '0.0.0.0', port: 57211, uid: 0, inode: 35178 },
  ]);
});

test.each(['', '\n\n', 'sl local\nrubbish\n', `${tcp.slice(0, 200)}`])('rubbish (%j) gives no sockets', (text) => {
  expect(parseSockets(text, 'tcp')).toEqual([]);
});
