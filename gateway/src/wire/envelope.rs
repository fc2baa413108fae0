//! Enveloped messages: a byte of flags, four of length, the message. gRPC, gRPC-Web and Connect's
//! streams share them.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use errors::{Fault, Reason};
use futures::StreamExt;

use super::base64_text;
use crate::body::RequestBody;
use crate::failure::Failure;

const HEAD: usize = 5;
/// The flag of a compressed message.
const COMPRESSED: u8 = 1;

/// A message in its envelope.
pub(super) fn seal(flags: u8, message: &[u8]) -> Bytes {
    let mut sealed = BytesMut::with_capacity(HEAD + message.len());
    sealed.put_u8(flags);
    sealed.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    sealed.put_slice(message);
    sealed.freeze()
}

/// The messages of a request body, one by one.
pub(crate) struct Envelopes {
    body: RequestBody,
    text: Option<base64_text::Reader>,
    read: BytesMut,
    limit: usize,
}

impl Envelopes {
    /// `limit` is that of one message, in bytes.
    pub(crate) fn of(body: RequestBody, is_text: bool, limit: usize) -> Self {
        Self {
            body,
            text: is_text.then(base64_text::Reader::default),
            read: BytesMut::new(),
            limit,
        }
    }

    /// The next message; none when the body ended well.
    ///
    /// # Errors
    /// `TOO_LARGE`, `INCOMPLETE_BODY`, and what is wrong with an envelope.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            if let Some(message) = self.take()? {
                return Ok(Some(message));
            }
            match self.body.next().await.transpose()? {
                Some(piece) => self.put(&piece)?,
                None if self.is_whole() => return Ok(None),
                None => return Err(cut()),
            }
        }
    }

    /// The only message there is.
    ///
    /// # Errors
    /// As [`Self::next`], and `INVALID_REQUEST` for none or several.
    pub(crate) async fn only(mut self) -> Result<Bytes, Failure> {
        let only = self.next().await?;
        let only = only.ok_or_else(|| malformed("there must be a message"))?;
        match self.next().await? {
            None => Ok(only),
            Some(_) => Err(malformed("there must be only one message")),
        }
    }

    fn put(&mut self, piece: &[u8]) -> Result<(), Failure> {
        match &mut self.text {
            None => self.read.put_slice(piece),
            Some(text) => {
                let bytes = text.read(piece);
                let bytes = bytes.ok_or_else(|| malformed("the body must be base64"))?;
                self.read.put_slice(&bytes);
            }
        }
        Ok(())
    }

    fn take(&mut self) -> Result<Option<Bytes>, Failure> {
        let Some(mut head) = self.read.get(..HEAD) else {
            return Ok(None);
        };
        let flags = head.get_u8();
        let length = usize::try_from(head.get_u32()).unwrap_or(usize::MAX);
        if flags & COMPRESSED != 0 {
            return Err(malformed(
                "a message is compressed, and no encoding is named",
            ));
        }
        if flags != 0 {
            return Err(malformed("an envelope has flags that requests do not have"));
        }
        if length > self.limit {
            let message = format!("a message must not be larger than {} bytes", self.limit);
            let fault = Fault::new(Reason::TooLarge, message);
            return Err(fault.with("limitBytes", self.limit).into());
        }
        if self.read.len() < HEAD + length {
            return Ok(None);
        }
        self.read.advance(HEAD);
        Ok(Some(self.read.split_to(length).freeze()))
    }

    fn is_whole(&self) -> bool {
        self.read.is_empty() && self.text.as_ref().is_none_or(base64_text::Reader::is_whole)
    }
}

fn malformed(message: &str) -> Failure {
    Fault::new(Reason::InvalidRequest, message).into()
}

fn cut() -> Failure {
    let message = "the body ended before it was whole";
    Fault::new(Reason::IncompleteBody, message).into()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use futures::stream;
    use http::HeaderMap;

    use super::*;

    fn envelopes(bytes: &[u8], size: usize, is_text: bool) -> Envelopes {
        let pieces: Vec<Result<Bytes, std::io::Error>> = bytes
            .chunks(size)
            .map(|piece| Ok(Bytes::copy_from_slice(piece)))
            .collect();
        let body = Body::from_stream(stream::iter(pieces));
        Envelopes::of(RequestBody::of(body, &HeaderMap::new()), is_text, 10)
    }

    #[tokio::test]
    async fn messages_come_out_as_they_were_put_in() {
        let bytes = [seal(0, b"one"), seal(0, b""), seal(0, b"three")].concat();
        for size in 1..=bytes.len() {
            let mut read = envelopes(&bytes, size, false);
            for expected in ["one", "", "three"] {
                assert_eq!(read.next().await.unwrap().unwrap(), expected);
            }
            assert!(read.next().await.unwrap().is_none());
        }
        let text = [
            base64_text::write(&seal(0, b"a")),
            base64_text::write(&seal(0, b"b")),
        ];
        let mut read = envelopes(&text.concat(), 3, true);
        assert_eq!(read.next().await.unwrap().unwrap(), "a");
        assert_eq!(read.next().await.unwrap().unwrap(), "b");
        assert!(read.next().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn what_is_wrong_is_told() {
        for (bytes, said) in [
            (seal(0, b"cut").slice(..6), "before it was whole"),
            (seal(0, b"cut").slice(..3), "before it was whole"),
            (seal(1, b"packed"), "compressed"),
            (seal(2, b"{}"), "flags"),
            (seal(0, b"eleven byte"), "larger than 10"),
        ] {
            let failure = envelopes(&bytes, 4, false).next().await.unwrap_err();
            assert!(failure.to_string().contains(said), "{failure}");
        }
        let none = envelopes(b"", 1, false).only().await.unwrap_err();
        assert!(none.to_string().contains("must be a message"));
        let two = [seal(0, b"a"), seal(0, b"b")].concat();
        let two = envelopes(&two, 9, false).only().await.unwrap_err();
        assert!(two.to_string().contains("only one"));
    }
}
