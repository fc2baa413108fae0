//! HTTPS: both versions of HTTP, certificates that change, and clients that are slow to shake hands.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use contracts::file::v1::GetFileRequest;
use contracts::file::v1::file_service_client::FileServiceClient;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use reqwest::{Certificate, Client, Response, Version};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tonic::transport::{Channel, ClientTlsConfig};

use crate::house::House;
use crate::rpc::signed;

const PATIENCE: Duration = Duration::from_secs(10);

/// A gateway with a certificate.
struct Site {
    house: House,
    addr: SocketAddr,
    folder: TempDir,
}

impl Site {
    async fn open(settings: &[(&str, &str)]) -> (Self, String) {
        let house = House::open().await;
        let folder = tempfile::tempdir().unwrap();
        let certificate = renew(&folder);
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let (cert, key) = (path("cert.pem"), path("key.pem"));
        let own = [
            ("BOTTEGA_GATEWAY_TLS_CERT", cert.as_str()),
            ("BOTTEGA_GATEWAY_TLS_KEY", key.as_str()),
        ];
        let addr = house.another_gateway_with(&[&own, settings].concat()).await;
        let site = Self {
            house,
            addr,
            folder,
        };
        (site, certificate)
    }

    fn url(&self) -> String {
        format!("https://localhost:{}", self.addr.port())
    }

    async fn get(&self, client: &Client) -> reqwest::Result<Response> {
        let request = client.get(format!("{}/v1/files/f-1", self.url()));
        request.bearer_auth(self.house.token()).send().await
    }
}

/// Puts a new certificate in its place; the certificate.
fn renew(folder: &TempDir) -> String {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(folder.path().join("cert.pem"), cert.pem()).unwrap();
    fs::write(folder.path().join("key.pem"), signing_key.serialize_pem()).unwrap();
    cert.pem()
}

/// A client that trusts this certificate and nothing else.
fn client(certificate: &str) -> reqwest::ClientBuilder {
    let certificate = Certificate::from_pem(certificate.as_bytes()).unwrap();
    Client::builder().tls_certs_only([certificate])
}

#[tokio::test]
async fn both_versions_of_http_and_grpc_are_encrypted() {
    let (site, certificate) = Site::open(&[]).await;
    let modern = client(&certificate).build().unwrap();
    let old = client(&certificate).http1_only().build().unwrap();
    for (client, version) in [(modern, Version::HTTP_2), (old, Version::HTTP_11)] {
        let answer = site.get(&client).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (200, version));
    }
    let trusted = tonic::transport::Certificate::from_pem(&certificate);
    let tls = ClientTlsConfig::new().ca_certificate(trusted);
    let endpoint = Channel::from_shared(site.url()).unwrap().tls_config(tls);
    let channel = endpoint.unwrap().connect().await.unwrap();
    let id = "f-1".to_owned();
    let request = signed(&site.house, GetFileRequest { id });
    let answer = FileServiceClient::new(channel).get_file(request).await;
    assert_eq!(answer.unwrap().into_inner().file.unwrap().id, "f-1");
    // Who speaks plainly is not answered.
    let mut plain = TcpStream::connect(site.addr).await.unwrap();
    plain
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, plain.read_to_end(&mut answer))
        .await
        .unwrap();
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
}

#[tokio::test]
async fn a_new_certificate_counts_and_a_broken_one_does_not() {
    let (site, first) = Site::open(&[]).await;
    let kept = client(&first).build().unwrap();
    assert_eq!(site.get(&kept).await.unwrap().status(), 200);
    fs::write(
        site.folder.path().join("cert.pem"),
        "what is no certificate",
    )
    .unwrap();
    sleep(Duration::from_secs(3)).await;
    let anew = client(&first).build().unwrap();
    assert_eq!(site.get(&anew).await.unwrap().status(), 200);
    let second = renew(&site.folder);
    let renewed = client(&second).build().unwrap();
    let end = Instant::now() + PATIENCE;
    while site.get(&renewed).await.is_err() {
        assert!(Instant::now() < end, "the new certificate is not used");
        sleep(Duration::from_millis(100)).await;
    }
    // A connection goes on with what it began with; a new one does not.
    assert_eq!(site.get(&kept).await.unwrap().status(), 200);
    let late = client(&first).build().unwrap();
    assert!(site.get(&late).await.is_err());
}

#[tokio::test]
async fn who_is_slow_to_shake_hands_counts_and_is_cut() {
    let settings = [
        ("BOTTEGA_HTTP_HEADER_TIMEOUT", "1s"),
        ("BOTTEGA_HTTP_MAX_CONNECTIONS_PER_ADDRESS", "2"),
    ];
    let (site, certificate) = Site::open(&settings).await;
    let mut silent = TcpStream::connect(site.addr).await.unwrap();
    let mut slow = TcpStream::connect(site.addr).await.unwrap();
    // The head of a record that is never whole.
    slow.write_all(&[0x16, 3, 1, 2, 0, 1]).await.unwrap();
    let client = client(&certificate).build().unwrap();
    assert!(site.get(&client).await.is_err(), "there is no place left");
    let began = Instant::now();
    for stream in [&mut silent, &mut slow] {
        let mut rest = Vec::new();
        let _ = timeout(PATIENCE, stream.read_to_end(&mut rest))
            .await
            .unwrap();
    }
    assert!(began.elapsed() < Duration::from_secs(3));
    assert_eq!(site.get(&client).await.unwrap().status(), 200);
}
