//! An S3 server in this process: a folder is a bucket, and signatures are checked.

use std::net::SocketAddr;

use file::blobs::S3Settings;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::net::TcpListener;

const ACCESS_KEY: &str = "test";
pub const SECRET_KEY: &str = "a secret of this test";
const BUCKET: &str = "bottega";

/// A server with one bucket; it goes when this is dropped.
pub struct S3Server {
    addr: SocketAddr,
    folder: TempDir,
    serving: tokio::task::JoinHandle<()>,
}

impl S3Server {
    pub async fn start() -> Self {
        // Its clients speak TLS through rustls, which must be told which cryptography to use.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let files = s3s_fs::FileSystem::new(folder.path()).unwrap();
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self {
            addr: listener.local_addr().unwrap(),
            folder,
            serving: tokio::spawn(serve(listener, builder.build())),
        }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub fn settings(&self, secret: &str) -> S3Settings {
        S3Settings {
            endpoint: Some(self.endpoint()),
            region: "us-east-1".to_owned(),
            bucket: BUCKET.to_owned(),
            access_key: ACCESS_KEY.to_owned(),
            secret_key: SecretString::from(secret.to_owned()),
            allow_http: true,
            path_style: true,
        }
    }

    /// The same as the service reads them.
    pub fn variables(&self) -> [(&'static str, String); 6] {
        [
            ("BOTTEGA_FILE_STORE", "s3".to_owned()),
            ("BOTTEGA_FILE_S3_ENDPOINT", self.endpoint()),
            ("BOTTEGA_FILE_S3_BUCKET", BUCKET.to_owned()),
            ("BOTTEGA_FILE_S3_ACCESS_KEY", ACCESS_KEY.to_owned()),
            ("BOTTEGA_FILE_S3_SECRET_KEY", SECRET_KEY.to_owned()),
            ("BOTTEGA_FILE_S3_ALLOW_HTTP", "on".to_owned()),
        ]
    }

    /// Takes the bucket away.
    pub fn lose_bucket(&self) {
        std::fs::remove_dir_all(self.folder.path().join(BUCKET)).unwrap();
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, service: S3Service) {
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        let service = service.clone();
        tokio::spawn(async move {
            let server = Builder::new(TokioExecutor::new());
            // A client that hangs up is no concern of the test's.
            let _ = server.serve_connection(TokioIo::new(socket), service).await;
        });
    }
}
