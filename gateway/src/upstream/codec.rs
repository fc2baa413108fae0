//! Messages as the bytes they are: the transcoder makes and reads them, tonic only frames them.

use bytes::{Buf, BufMut, Bytes};
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// What is sent: an encoded message, or the news that there will be no more although the stream is
/// not whole.
#[derive(Debug)]
pub(crate) enum Piece {
    /// One encoded message.
    Message(Bytes),
    /// Ends the stream with a reset. A plain end would tell the service that all has come.
    Cut,
}

/// Bytes in, bytes out.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct BytesCodec;

impl Codec for BytesCodec {
    type Encode = Piece;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for BytesCodec {
    type Item = Piece;
    type Error = Status;

    fn encode(&mut self, piece: Piece, target: &mut EncodeBuf<'_>) -> Result<(), Status> {
        match piece {
            Piece::Message(bytes) => {
                target.put(bytes);
                Ok(())
            }
            Piece::Cut => Err(Status::cancelled("the request ended before it was whole")),
        }
    }
}

impl Decoder for BytesCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(source.copy_to_bytes(source.remaining())))
    }
}
