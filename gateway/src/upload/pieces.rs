//! Sends an upload piece by piece: the body is read only as fast as the service takes it.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, TryStreamExt, stream};
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
/// How many bytes of an upload are in memory at most: those that wait, and the next.
pub(crate) const ROOM_BYTES: u64 = (PIECE_BYTES * (PIECES_AHEAD + 2)) as u64;
/// How long a call that was reset may take to end.
const FAREWELL: Duration = Duration::from_secs(1);

/// What is handed to the call.
enum Handed {
    Message(Bytes),
    /// All was sent. Without it the end of the pieces is a cut.
    Whole,
}

/// Streams messages to the service.
///
/// # Errors
/// What is wrong with the messages; else what the service answers, which may be before it has read
/// all.
pub(crate) async fn send(
    call: &Call,
    messages: impl Stream<Item = Result<Bytes, Failure>>,
) -> Result<tonic::Response<Bytes>, Failure> {
    let (sender, receiver) = mpsc::channel(PIECES_AHEAD);
    let mut answer = pin!(call.upstream().upload(pieces(receiver)));
    let mut messages = pin!(messages);
    let handed = tokio::select! {
        biased;
        answer = &mut answer => return Ok(answer?),
        handed = hand_over(messages.as_mut(), &sender) => handed,
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

async fn hand_over(
    mut messages: impl Stream<Item = Result<Bytes, Failure>> + Unpin,
    sender: &mpsc::Sender<Handed>,
) -> Result<(), Failure> {
    while let Some(message) = messages.try_next().await? {
        hand(sender, Handed::Message(message)).await;
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
    /// The bytes, piece by piece; there is always a first message.
    pub(super) fn messages(self) -> impl Stream<Item = Result<Bytes, Failure>> {
        let begin = (self, Bytes::new(), true);
        stream::try_unfold(begin, |(mut upload, mut left, is_first)| async move {
            while left.is_empty() {
                match upload.source.next().await? {
                    Some(bytes) => left = bytes,
                    None if is_first => break,
                    None => return Ok(None),
                }
            }
            let message = upload.message(is_first, cut(&mut left));
            Ok(Some((message, (upload, left, false))))
        })
    }

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

fn cut(bytes: &mut Bytes) -> Bytes {
    bytes.split_to(bytes.len().min(PIECE_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::StreamExt;

    #[test]
    fn large_pieces_are_cut() {
        let mut bytes = Bytes::from(vec![0; PIECE_BYTES + 1]);
        let lengths = [(); 3].map(|()| cut(&mut bytes).len());
        assert_eq!(lengths, [PIECE_BYTES, 1, 0]);
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
