//! Base64 as gRPC-Web's text form sends it: piece by piece, with padding also in the middle.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

/// Reads base64 that comes in pieces of any length.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// Fewer than four characters that wait for the rest.
    rest: Vec<u8>,
}

impl Reader {
    /// The bytes that are whole by now; none when the text is no base64.
    pub(super) fn read(&mut self, piece: &[u8]) -> Option<Vec<u8>> {
        self.rest.extend_from_slice(piece);
        let whole = self.rest.len() - self.rest.len() % 4;
        let mut bytes = Vec::with_capacity(whole / 4 * 3);
        let mut from = 0;
        // Padding ends a run of its own: the next begins anew.
        for (index, group) in self.rest[..whole].chunks_exact(4).enumerate() {
            let end = (index + 1) * 4;
            if group.contains(&b'=') || end == whole {
                STANDARD
                    .decode_vec(&self.rest[from..end], &mut bytes)
                    .ok()?;
                from = end;
            }
        }
        self.rest.drain(..whole);
        Some(bytes)
    }

    /// Whether nothing is left that waits.
    pub(super) fn is_whole(&self) -> bool {
        self.rest.is_empty()
    }
}

/// A piece of its own, padded.
pub(super) fn write(bytes: &[u8]) -> Bytes {
    STANDARD.encode(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_any_length_with_padding_anywhere() {
        let text = [write(b"a"), write(b"bcde"), write(b"fgh")].concat();
        for size in 1..=text.len() {
            let mut reader = Reader::default();
            let read: Vec<u8> = text
                .chunks(size)
                .flat_map(|piece| reader.read(piece).unwrap())
                .collect();
            assert_eq!(read, b"abcdefgh", "{size}");
            assert!(reader.is_whole());
        }
    }

    #[test]
    fn what_is_no_base64_is_told() {
        assert!(Reader::default().read(b"a*bc").is_none());
        let mut cut = Reader::default();
        assert_eq!(cut.read(b"YWJ"), Some(Vec::new()));
        assert!(!cut.is_whole());
    }
}
