//! Sound requests of every kind the gateway takes, for noise to begin with.

use crate::rpc::{CREATE, CREATE_FILE, GET_FILE, WATCH, seal};

const ORDER: &str = r#"{"kind":"IMAGE","image":{"prompt":"a fox","width":512,"inputFileIds":["f-1"]},"expireAfter":"1.5s","notBefore":"2027-01-01T00:00:00Z"}"#;
const FORM: &str = "--edge\r\ncontent-disposition: form-data; name=\"sessionId\"\r\n\r\ns-1\r\n\
    --edge\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.png\"\r\ncontent-type: image/png\r\n\r\n0123\r\n--edge--\r\n";

/// All of them, with this token.
pub fn all(token: &str) -> Vec<Vec<u8>> {
    let sound = Sound { token };
    [sound.reads(), sound.writes(), sound.rpcs()].concat()
}

/// Writes requests as they should be.
struct Sound<'a> {
    token: &'a str,
}

impl Sound<'_> {
    fn head(&self, line: &str, headers: &str) -> String {
        let token = self.token;
        format!(
            "{line} HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\nauthorization: Bearer {token}\r\n{headers}"
        )
    }

    fn request(&self, line: &str, headers: &str, body: &[u8]) -> Vec<u8> {
        let headers = format!("{headers}content-length: {}\r\n\r\n", body.len());
        [self.head(line, &headers).as_bytes(), body].concat()
    }

    fn get(&self, path: &str, headers: &str) -> Vec<u8> {
        self.request(&format!("GET {path}"), headers, b"")
    }

    fn reads(&self) -> Vec<Vec<u8>> {
        let listed = "origin: https://a.example\r\n";
        [
            ("/v1/files?pageSize=5&sessionId=s-1&pageToken=", ""),
            ("/v1/files/f-1", "accept-language: de-AT, es;q=0.5\r\n"),
            ("/v1/files/f-1/content", "range: bytes=2-4\r\n"),
            (
                "/v1/generations/g-1/events?afterSequence=1",
                "last-event-id: 2\r\n",
            ),
            (
                "/v1/generations/g-1/events",
                "accept: application/x-ndjson\r\n",
            ),
            (
                "/v1/usage/explain?kind=IMAGE&costMicrousd=39000",
                "accept-encoding: br\r\n",
            ),
            ("/openapi.json", "if-none-match: \"a\"\r\n"),
            ("/docs", "accept-encoding: gzip\r\n"),
        ]
        .into_iter()
        .map(|(path, headers)| self.get(path, headers))
        .chain([
            self.request("OPTIONS /v1/files/f-1", listed, b""),
            self.request("HEAD /v1/files/f-1", "", b""),
        ])
        .collect()
    }

    fn writes(&self) -> Vec<Vec<u8>> {
        let json = "content-type: application/json\r\n";
        let form = "content-type: multipart/form-data; boundary=edge\r\n";
        let png = "content-type: image/png\r\n";
        let login = br#"{"email":"a@b.c","password":"x"}"#;
        let headers = format!(
            "{json}transfer-encoding: chunked\r\n\r\n{:x}\r\n{ORDER}\r\n0\r\n\r\n",
            ORDER.len()
        );
        let name = br#"{"displayName":"Ada"}"#;
        vec![
            self.request("DELETE /v1/files/f-1", "", b""),
            self.request("POST /v1/generations", json, ORDER.as_bytes()),
            self.head("POST /v1/generations", &headers).into_bytes(),
            self.request("PATCH /v1/users/me", json, name),
            self.request("POST /v1/auth/login", json, login),
            self.request("POST /v1/files?name=a.png", png, b"0123"),
            self.request("POST /v1/files", form, FORM.as_bytes()),
        ]
    }

    fn rpcs(&self) -> Vec<Vec<u8>> {
        let file = br#"{"id":"f-1"}"#;
        let upload = seal(0, br#"{"name":"a","content":{"data":"AAAA"}}"#);
        let watch = seal(0, br#"{"id":"g-1"}"#);
        let sealed = seal(0, b"\x0a\x03f-1");
        let query = "connect=v1&encoding=json&message=%7B%22id%22%3A%22f-1%22%7D";
        let calls: [(&str, &str, &[u8]); 7] = [
            (GET_FILE, "json", file),
            (CREATE, "json", ORDER.as_bytes()),
            (GET_FILE, "proto", b"\x0a\x03f-1"),
            (WATCH, "connect+json", &watch),
            (CREATE_FILE, "connect+json", &upload),
            (GET_FILE, "grpc-web+proto", &sealed),
            (GET_FILE, "grpc-web-text", b"AAAAAAUKA2YtMQ=="),
        ];
        let mut all: Vec<_> = (calls.into_iter())
            .map(|(rpc, kind, body)| {
                let headers = format!("content-type: application/{kind}\r\n");
                self.request(&format!("POST {rpc}"), &headers, body)
            })
            .collect();
        all.push(self.get(&format!("{GET_FILE}?{query}"), ""));
        all
    }
}
