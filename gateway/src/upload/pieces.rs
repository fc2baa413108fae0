//! Sends an upload piece by piece: the body is read only as fast as the service takes it.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, stream};
use prost::Message;
use prost_reflect::{DynamicMessage, ReflectMessage};
use tokio::sync::mpsc;

use super::slot::fill_slot;
use super::source::Opened;
use crate::failure::Failure;
use crate::pipeline::Call;
use crate::upstream::Piece;

/// The most bytes one message carries.
const PIECE_BYTES: usize = 256 * 1024;
/// How many pieces wait for the service.
const PIECES_AHEAD: usize = 2;
/// How long a call that was reset may take to end.
const FAREWELL: Duration = Duration::from_secs(1);

/// What is handed to the call.
enum Handed {
    Message(Bytes),
    /// All was sent. Without it the end of the pieces is a cut.
    Whole,
}

/// Streams an upload to the service.
///
/// # Errors
/// What is wrong with the body; else what the service answers, which may be before it has read all.
pub(super) async fn send(
    call: &Call,
    mut upload: Opened,
) -> Result<tonic::Response<Bytes>, Failure> {
    let (sender, receiver) = mpsc::channel(PIECES_AHEAD);
    let mut answer = pin!(call.upstream().upload(pieces(receiver)));
    let handed = tokio::select! {
        biased;
        answer = &mut answer => return Ok(answer?),
        handed = hand_over(&mut upload, &sender) => handed,
    };
    drop(sender);
    match handed {
        Ok(()) => Ok(answer.await?),
        Err(failure) => {
            // The call is polled until its reset is on the way.
            let _ = tokio::time::timeout(FAREWELL, answer).await;
            Err(failure)
        }
    }
}

async fn hand_over(upload: &mut Opened, sender: &mpsc::Sender<Handed>) -> Result<(), Failure> {
    let mut first = true;
    while let Some(bytes) = upload.source.next().await? {
        for bytes in cut(bytes) {
            hand(sender, Handed::Message(upload.message(first, bytes))).await;
            first = false;
        }
    }
    if first {
        hand(sender, Handed::Message(upload.message(true, Bytes::new()))).await;
    }
    hand(sender, Handed::Whole).await;
    Ok(())
}

// Nobody takes pieces any more once the service has answered, and that answer ends the wait.
async fn hand(sender: &mpsc::Sender<Handed>, piece: Handed) {
    if sender.send(piece).await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn cut(mut bytes: Bytes) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || {
        let length = bytes.len().min(PIECE_BYTES);
        (length > 0).then(|| bytes.split_to(length))
    })
}

fn pieces(receiver: mpsc::Receiver<Handed>) -> impl Stream<Item = Piece> + Send + 'static {
    stream::unfold(Some(receiver), |receiver| async {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Handed::Message(bytes)) => Some((Piece::Message(bytes), Some(receiver))),
            Some(Handed::Whole) => None,
            None => Some((Piece::Cut, None)),
        }
    })
}

impl Opened {
    /// A message of the stream: the first says what the others need not repeat.
    fn message(&self, first: bool, bytes: Bytes) -> Bytes {
        let mut message = if first {
            self.head.clone()
        } else {
            DynamicMessage::new(self.head.descriptor())
        };
        let content_type = if first {
            self.content_type.as_str()
        } else {
            ""
        };
        fill_slot(&mut message, &self.slot, content_type, bytes);
        message.encode_to_vec().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::StreamExt;

    #[test]
    fn large_pieces_are_cut() {
        let lengths: Vec<usize> = cut(Bytes::from(vec![0; PIECE_BYTES + 1]))
            .map(|b| b.len())
            .collect();
        assert_eq!(lengths, [PIECE_BYTES, 1]);
        assert_eq!(cut(Bytes::new()).count(), 0);
    }

    #[tokio::test]
    async fn an_end_that_was_not_announced_is_a_cut() {
        for (whole, expected) in [(true, 1), (false, 2)] {
            let (sender, receiver) = mpsc::channel(4);
            sender
                .send(Handed::Message(Bytes::from_static(b"a")))
                .await
                .unwrap();
            if whole {
                sender.send(Handed::Whole).await.unwrap();
            }
            drop(sender);
            let sent: Vec<Piece> = pieces(receiver).collect().await;
            assert_eq!(sent.len(), expected);
            assert_eq!(matches!(sent.last(), Some(Piece::Cut)), !whole);
        }
    }
}
