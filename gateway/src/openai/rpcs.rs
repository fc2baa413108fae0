//! The rpcs behind these routes, each asked until it is known what it says.

use std::time::Duration;

use contracts::file::v1::{CreateFileRequest, CreateFileResponse, File, GetFileContentRequest};
use contracts::generation::v1::{
    CreateGenerationRequest, CreateGenerationResponse, Generation, GetGenerationRequest,
    GetGenerationResponse, WatchGenerationRequest, WatchGenerationResponse, generation::Status,
};
use contracts::google::api::HttpBody;
use errors::{Fault, Reason};
use futures::stream;
use http::HeaderMap;
use prost::Message;
use tokio::time::Instant;

use crate::failure::Failure;
use crate::pipeline::inner::Inner;

pub(super) const CREATE: &str = "/bottega.generation.v1.GenerationService/CreateGeneration";
pub(super) const GET: &str = "/bottega.generation.v1.GenerationService/GetGeneration";
pub(super) const LIST: &str = "/bottega.generation.v1.GenerationService/ListGenerations";
pub(super) const WATCH: &str = "/bottega.generation.v1.GenerationService/WatchGeneration";
pub(super) const PROVIDERS: &str = "/bottega.generation.v1.GenerationService/ListProviders";
pub(super) const UPLOAD: &str = "/bottega.file.v1.FileService/CreateFile";
pub(super) const FILES: &str = "/bottega.file.v1.FileService/ListFiles";
pub(super) const CONTENT: &str = "/bottega.file.v1.FileService/GetFileContent";

/// The pauses between the tries of a call whose outcome is not known, or that only reads.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(2),
];
/// How many bytes of a file travel in one message.
const PIECE_BYTES: usize = 256 * 1024;

/// Places an order under a key: however often it is sent, it is placed once.
pub(super) async fn create(
    inner: &Inner,
    order: &CreateGenerationRequest,
    key: &str,
) -> Result<(Generation, HeaderMap), Failure> {
    let mut pauses = PAUSES.iter();
    loop {
        let sent = inner.unary::<CreateGenerationResponse>(CREATE, order, Some(key));
        let failure = match sent.await {
            Ok((reply, headers)) => return Ok((whole(reply.generation)?, headers)),
            Err(failure) => failure,
        };
        match pauses.next().filter(|_| is_open(&failure)) {
            Some(pause) => tokio::time::sleep(*pause).await,
            None => return Err(failure),
        }
    }
}

/// Waits until a generation has ended; how it stands at the deadline when it has not.
pub(super) async fn ended(
    inner: &Inner,
    mut generation: Generation,
    deadline: Instant,
) -> Result<Generation, Failure> {
    while !is_over(generation.status()) && Instant::now() < deadline {
        let followed = follow(inner, &generation.id);
        if let Ok(Err(failure)) = tokio::time::timeout_at(deadline, followed).await {
            tracing::debug!(error = %failure, "watching a generation again");
            tokio::time::sleep(PAUSES[1]).await;
        }
        generation = get(inner, &generation.id).await?;
    }
    Ok(generation)
}

async fn follow(inner: &Inner, id: &str) -> Result<(), Failure> {
    let request = WatchGenerationRequest {
        id: id.to_owned(),
        after_sequence: 0,
    };
    let mut events = inner.stream(WATCH, &request).await?;
    while let Some(bytes) = events.message().await? {
        let event = WatchGenerationResponse::decode(bytes).map_err(Fault::internal)?;
        if event.event.is_some_and(|event| is_over(event.status())) {
            return Ok(());
        }
    }
    Err(Fault::new(Reason::Unavailable, "the events ended early").into())
}

async fn get(inner: &Inner, id: &str) -> Result<Generation, Failure> {
    let request = GetGenerationRequest { id: id.to_owned() };
    let asked = || inner.unary::<GetGenerationResponse>(GET, &request, None);
    let (reply, _) = steady(asked).await?;
    whole(reply.generation)
}

/// The bytes of a file.
pub(super) async fn content(inner: &Inner, id: &str) -> Result<Vec<u8>, Failure> {
    let request = GetFileContentRequest { id: id.to_owned() };
    steady(|| async {
        let mut pieces = inner.stream(CONTENT, &request).await?;
        let mut bytes = Vec::new();
        while let Some(piece) = pieces.message().await? {
            let piece = HttpBody::decode(piece).map_err(Fault::internal)?;
            bytes.extend_from_slice(&piece.data);
        }
        Ok(bytes)
    })
    .await
}

/// Stores a file.
pub(super) async fn upload(
    inner: &Inner,
    name: &str,
    content_type: &str,
    bytes: &[u8],
) -> Result<File, Failure> {
    let messages = bytes.chunks(PIECE_BYTES).enumerate().map(|(place, piece)| {
        let is_first = |text: &str| (if place == 0 { text } else { "" }).to_owned();
        let message = CreateFileRequest {
            name: is_first(name),
            content: Some(HttpBody {
                content_type: is_first(content_type),
                data: piece.to_vec(),
                extensions: Vec::new(),
            }),
            ..CreateFileRequest::default()
        };
        message.encode_to_vec()
    });
    let messages: Vec<_> = messages.collect();
    let reply: CreateFileResponse = inner.upload(UPLOAD, stream::iter(messages)).await?;
    whole(reply.file)
}

/// Asks again what only reads, while nobody answers.
pub(super) async fn steady<T, F>(ask: impl Fn() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    for pause in PAUSES {
        match ask().await {
            Err(failure) if is_open(&failure) => tokio::time::sleep(pause).await,
            outcome => return outcome,
        }
    }
    ask().await
}

/// Whether nobody knows what became of a call: the order may have been taken.
fn is_open(failure: &Failure) -> bool {
    let status = failure.status(None);
    let reason = errors::reason_of(&errors::rpc_status(&status));
    matches!(
        reason,
        Some(
            Reason::Unavailable
                | Reason::DeadlineExceeded
                | Reason::Internal
                | Reason::IdempotencyInFlight
        )
    )
}

/// Whether a generation has ended.
pub(super) const fn is_over(status: Status) -> bool {
    matches!(
        status,
        Status::Completed | Status::Failed | Status::Cancelled
    )
}

fn whole<T>(part: Option<T>) -> Result<T, Failure> {
    part.ok_or_else(|| Fault::internal("a reply without its subject").into())
}
