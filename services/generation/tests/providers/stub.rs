//! A server on a real socket that answers what a test tells it to, down to the broken byte, and
//! keeps what it was asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub target: String,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Answers as one should.
    Whole(u16, Vec<(String, String)>, Vec<u8>),
    /// Announces a body and closes in the middle of it.
    Cut(Vec<u8>),
    /// Sends the headers, then one byte now and then, for ever.
    Drip,
    /// Sends this many bytes of body.
    Huge(usize),
    /// Announces this many bytes and sends none.
    Boast(u64),
    /// Reads the order and says nothing.
    Silent,
    /// Reads the order and hangs up.
    HangUp,
}

/// The server; it ends with the test.
pub struct Stub {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Reply {
    pub fn json(status: u16, body: &Value) -> Self {
        let kind = ("content-type".to_owned(), "application/json".to_owned());
        Self::Whole(status, vec![kind], body.to_string().into_bytes())
    }

    pub fn text(status: u16, kind: &str, body: &str) -> Self {
        let kind = ("content-type".to_owned(), kind.to_owned());
        Self::Whole(status, vec![kind], body.as_bytes().to_vec())
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        if let Self::Whole(_, headers, _) = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }
}

impl Stub {
    /// Answers every request with what `answer` says.
    pub async fn start(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (kept, answer) = (seen.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (kept, answer) = (kept.clone(), answer.clone());
                tokio::spawn(async move { serve(stream, &kept, &*answer).await });
            }
        });
        Self { url, seen }
    }

    /// Answers every request the same.
    pub async fn always(reply: Reply) -> Self {
        Self::start(move |_| reply.clone()).await
    }

    /// Answers the first request with the first reply, and so on; after the last it hangs up.
    pub async fn in_turn(replies: Vec<Reply>) -> Self {
        let replies = Mutex::new(replies.into_iter());
        Self::start(move |_| replies.lock().unwrap().next().unwrap_or(Reply::HangUp)).await
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The only request there was.
    pub fn only(&self) -> Seen {
        let mut seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen.remove(0)
    }
}

impl Seen {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The parts of a form: name, headers and content of each.
    pub fn parts(&self) -> Vec<(String, String, Vec<u8>)> {
        let kind = self.header("content-type").unwrap();
        assert!(kind.starts_with("multipart/form-data"), "{kind}");
        let mark = format!("--{}", kind.split_once("boundary=").unwrap().1);
        let mut parts = Vec::new();
        let mut rest = self.body.as_slice();
        while let Some(start) = find(rest, mark.as_bytes()) {
            rest = &rest[start + mark.len()..];
            let Some(end) = find(rest, mark.as_bytes()) else {
                break;
            };
            let part = &rest[2..end - 2];
            let middle = find(part, b"\r\n\r\n").unwrap();
            let head = String::from_utf8_lossy(&part[..middle]).into_owned();
            let name = head
                .split("name=\"")
                .nth(1)
                .unwrap()
                .split('"')
                .next()
                .unwrap();
            parts.push((name.to_owned(), head.clone(), part[middle + 4..].to_vec()));
        }
        parts
    }

    /// The text fields of a form.
    pub fn fields(&self) -> BTreeMap<String, String> {
        (self.parts().into_iter())
            .filter(|(_, head, _)| !head.contains("filename="))
            .map(|(name, _, body)| (name, String::from_utf8(body).unwrap()))
            .collect()
    }

    /// The files of a form: name, content type and content.
    pub fn files(&self) -> Vec<(String, String, Vec<u8>)> {
        (self.parts().into_iter())
            .filter(|(_, head, _)| head.contains("filename="))
            .map(|(name, head, body)| {
                let lower = head.to_lowercase();
                let kind = lower
                    .split("content-type: ")
                    .nth(1)
                    .unwrap()
                    .lines()
                    .next()
                    .unwrap();
                (name, kind.trim().to_owned(), body)
            })
            .collect()
    }
}

async fn serve(
    mut stream: TcpStream,
    kept: &Mutex<Vec<Seen>>,
    answer: &(dyn Fn(&Seen) -> Reply + Send + Sync),
) {
    while let Some(seen) = read(&mut stream).await {
        let reply = answer(&seen);
        kept.lock().unwrap().push(seen);
        if write(&mut stream, reply).await.is_none() {
            return;
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = find(&bytes, b"\r\n\r\n") {
            break end;
        }
        stream
            .read_buf(&mut bytes)
            .await
            .ok()
            .filter(|count| *count > 0)?;
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let mut lines = text.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    assert!(
        !headers.contains_key("transfer-encoding"),
        "orders have a length"
    );
    let length = headers
        .get("content-length")
        .map_or(0, |text| text.parse().unwrap());
    let mut body = bytes.split_off(head + 4);
    while body.len() < length {
        stream
            .read_buf(&mut body)
            .await
            .ok()
            .filter(|count| *count > 0)?;
    }
    Some(Seen {
        method,
        target,
        headers,
        body,
    })
}

// None when the connection is not used again.
async fn write(stream: &mut TcpStream, reply: Reply) -> Option<()> {
    match reply {
        Reply::Whole(status, headers, body) => {
            let mut head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n", body.len());
            for (name, value) in headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            head.push_str("\r\n");
            stream.write_all(head.as_bytes()).await.ok()?;
            stream.write_all(&body).await.ok()
        }
        Reply::Cut(body) => {
            let head = format!(
                "HTTP/1.1 200 x\r\ncontent-length: {}\r\n\r\n",
                body.len() + 500
            );
            stream.write_all(head.as_bytes()).await.ok()?;
            stream.write_all(&body).await.ok()?;
            None
        }
        Reply::Drip => {
            stream
                .write_all(b"HTTP/1.1 200 x\r\ncontent-length: 9000\r\n\r\n")
                .await
                .ok()?;
            loop {
                stream.write_all(b" ").await.ok()?;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Reply::Huge(size) => {
            stream
                .write_all(b"HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n")
                .await
                .ok()?;
            let chunk = vec![b' '; 1 << 20];
            for _ in 0..size >> 20 {
                stream.write_all(b"100000\r\n").await.ok()?;
                stream.write_all(&chunk).await.ok()?;
                stream.write_all(b"\r\n").await.ok()?;
            }
            stream.write_all(b"0\r\n\r\n").await.ok()
        }
        Reply::Boast(size) => {
            let head = format!("HTTP/1.1 200 x\r\ncontent-length: {size}\r\n\r\n");
            stream.write_all(head.as_bytes()).await.ok()?;
            tokio::time::sleep(Duration::from_secs(5)).await;
            None
        }
        Reply::Silent => {
            tokio::time::sleep(Duration::from_secs(20)).await;
            None
        }
        Reply::HangUp => None,
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
