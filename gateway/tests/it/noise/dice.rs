//! Bends requests at random, the same way for the same seed.

/// What parsers stumble over.
const STONES: [&[u8]; 40] = [
    b"%00",
    b"%",
    b"%zz",
    b"%2F",
    b"%c3%28",
    b"..",
    b"//",
    b"\r\n",
    b"\r\n\r\n",
    b"\r\nContent-Length: 99999999999999999999\r\n",
    b"\r\nTransfer-Encoding: chunked\r\n",
    b"\r\nExpect: 100-continue\r\n",
    b"\r\nGrpc-Timeout: 1n\r\n",
    b"\r\nConnect-Timeout-Ms: 0\r\n",
    b"\r\nAccept-Language: de;q=0.0001, *-*, x-x-x;q=\r\n",
    b"\r\nAccept: */*;q=nan\r\n",
    b"\r\nRange: bytes=-0,0-,9-1\r\n",
    b"\r\nLast-Event-ID: -1\r\n",
    b"\r\nIdempotency-Key: \xff\r\n",
    b"\r\nX-Forwarded-For: ,,::1%eth0,\r\n",
    b"\r\nIf-None-Match: W/\"\r\n",
    b"\r\nOrigin: null\r\n",
    b"null",
    b"NaN",
    b"1e400",
    b"-0",
    b"18446744073709551616",
    b"\"\\ud800\"",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    b"{\"a\":{\"a\":{\"a\":",
    b"{\"@type\":\"type.googleapis.com/google.protobuf.Any\"}",
    b"&&==&=&a.b.c=",
    b"?connect=v1&base64=1&message=%&encoding=json",
    b"\0\0\0\0\0",
    b"\0\xff\xff\xff\xff",
    b"\x02\0\0\0\x02{}",
    b"--edge\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
];

/// A source of numbers (splitmix64).
pub struct Dice(u64);

impl Dice {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() % end.max(1) as u64).unwrap_or(0)
    }

    /// One of the requests, bent one to six times.
    pub fn bend(&mut self, requests: &[Vec<u8>]) -> Vec<u8> {
        let mut bent = requests[self.below(requests.len())].clone();
        for _ in 0..=self.below(6) {
            self.bend_once(&mut bent, requests);
        }
        bent
    }

    fn bend_once(&mut self, bytes: &mut Vec<u8>, requests: &[Vec<u8>]) {
        let from = self.below(bytes.len());
        let to = (from + self.below(24)).min(bytes.len());
        match self.below(8) {
            0 | 1 => {
                let stone = STONES[self.below(STONES.len())];
                bytes.splice(from..from, stone.iter().copied());
            }
            2 => {
                let stone = STONES[self.below(STONES.len())];
                bytes.splice(from..to, stone.iter().copied());
            }
            3 => {
                bytes.drain(from..to);
            }
            4 => {
                let again = bytes[from..to].to_vec();
                bytes.splice(from..from, again);
            }
            5 => {
                let bit = 1 << self.below(8);
                if let Some(byte) = bytes.get_mut(from) {
                    *byte ^= bit;
                }
            }
            6 => {
                let other = &requests[self.below(requests.len())];
                let cut = self.below(other.len());
                bytes.truncate(from);
                bytes.extend_from_slice(&other[cut..]);
            }
            _ => bytes.truncate(from.max(bytes.len() / 2)),
        }
    }
}

#[test]
fn the_same_seed_bends_the_same_way() {
    let requests = [b"GET / HTTP/1.1\r\n\r\n".to_vec(), b"other".to_vec()];
    let bent = |seed| Dice::new(seed).bend(&requests);
    assert_eq!(bent(3), bent(3));
    assert!((0..20).any(|seed| bent(seed) != bent(3)));
}
