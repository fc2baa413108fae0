//! gRPC with streams: followed, cut, left, and sent.

use contracts::file::v1::file_service_client::FileServiceClient;
use contracts::file::v1::{CreateFileRequest, GetFileContentRequest};
use contracts::generation::v1::WatchGenerationRequest;
use contracts::generation::v1::generation_service_client::GenerationServiceClient;
use contracts::google::api::HttpBody;
use errors::Reason;
use futures::{StreamExt, stream};
use tonic::{Code, Status, Streaming};

use super::{channel, reason_of, signed};
use crate::fakes::file::CONTENT;
use crate::house::{House, eventually};

async fn watch(
    house: &House,
    id: &str,
) -> Result<Streaming<contracts::generation::v1::WatchGenerationResponse>, Status> {
    let mut client = GenerationServiceClient::new(channel(house).await);
    let request = WatchGenerationRequest {
        id: id.to_owned(),
        after_sequence: 0,
    };
    let answer = client.watch_generation(signed(house, request)).await?;
    Ok(answer.into_inner())
}

fn pieces(name: &str, datas: &[&'static [u8]]) -> Vec<CreateFileRequest> {
    let pieces = datas.iter().enumerate().map(|(index, data)| {
        let mut piece = CreateFileRequest {
            content: Some(HttpBody {
                data: data.to_vec(),
                ..HttpBody::default()
            }),
            ..CreateFileRequest::default()
        };
        if index == 0 {
            piece.name = name.to_owned();
        }
        piece
    });
    pieces.collect()
}

#[tokio::test]
async fn events_are_followed_to_their_end() {
    let house = House::open().await;
    let events: Vec<_> = watch(&house, "g-1").await.unwrap().collect().await;
    let sequences: Vec<i64> = events
        .into_iter()
        .map(|event| event.unwrap().event.unwrap().sequence)
        .collect();
    assert_eq!(sequences, [1, 2, 3]);
}

#[tokio::test]
async fn a_cut_stream_says_so() {
    let house = House::open().await;
    let events: Vec<_> = watch(&house, "broken").await.unwrap().collect().await;
    assert_eq!(events.len(), 3);
    let cut = events[2].as_ref().unwrap_err();
    assert_eq!(cut.code(), Code::Unavailable);
    assert_eq!(reason_of(cut), Some(Reason::Unavailable));
    assert!(!cut.message().contains("10.0.0.7"));
    for id in ["missing", "late"] {
        let refused = watch(&house, id).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotFound, "{id}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_call_and_a_stop_is_said() {
    let house = House::open().await;
    let mut left = watch(&house, "quiet").await.unwrap();
    assert!(left.next().await.unwrap().is_ok());
    drop(left);
    eventually("the end of the call", || {
        house.generation.dropped.lock().then_some(())
    })
    .await;
    let mut stopped = watch(&house, "quiet").await.unwrap();
    assert!(stopped.next().await.unwrap().is_ok());
    house.shutdown.trigger();
    let status = stopped.next().await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
}

#[tokio::test]
async fn bytes_come_as_messages() {
    let house = House::open().await;
    let mut client = FileServiceClient::new(channel(&house).await);
    for (id, whole) in [("f-1", true), ("broken", false)] {
        let request = GetFileContentRequest { id: id.to_owned() };
        let answer = client.get_file_content(signed(&house, request)).await;
        let answer = answer.unwrap();
        assert!(answer.metadata().contains_key("etag"));
        assert!(!answer.metadata().contains_key("x-internal"));
        let pieces: Vec<_> = answer.into_inner().collect().await;
        assert_eq!(pieces[0].as_ref().unwrap().data, CONTENT);
        assert_eq!(pieces.iter().all(Result::is_ok), whole, "{id}");
    }
}

#[tokio::test]
async fn a_client_stream_arrives_whole_or_is_known_to_be_cut() {
    let house = House::open().await;
    let mut client = FileServiceClient::new(channel(&house).await);
    let whole = stream::iter(pieces("a.bin", &[b"one", b"", b"two"]));
    let made = client.create_file(signed(&house, whole)).await.unwrap();
    assert_eq!(made.into_inner().file.unwrap().size, 6);
    let upload = house.file.uploads.lock().pop().unwrap();
    assert!(upload.whole && upload.messages == 3 && upload.bytes == b"onetwo");
    // A client that leaves in the middle.
    let endless = stream::iter(pieces("b.bin", &[b"one"])).chain(stream::pending());
    let call = client.create_file(signed(&house, endless));
    let left = tokio::time::timeout(std::time::Duration::from_millis(300), call).await;
    assert!(left.is_err());
    let upload = eventually("the cut upload", || house.file.uploads.lock().pop()).await;
    assert!(!upload.whole && upload.bytes == b"one");
    // A service that answers before it has read all.
    let endless = stream::iter(pieces("refused.txt", &[b"one"])).chain(stream::pending());
    let refused = client
        .create_file(signed(&house, endless))
        .await
        .unwrap_err();
    assert_eq!(reason_of(&refused), Some(Reason::UnsupportedMediaType));
}
