//! Which store holds the bytes.

use std::path::{Path, PathBuf};

use config::Reader;
use secrecy::SecretString;

/// The store.
#[derive(Debug, Clone)]
pub enum StoreSettings {
    /// `BOTTEGA_FILE_STORE=local` (default): the folder `<data-dir>/files`.
    Local(PathBuf),
    /// `BOTTEGA_FILE_STORE=s3`: S3 or anything that speaks like it.
    S3(S3Settings),
}

/// An S3-compatible store. A lifecycle rule of its own should end multipart uploads that a crash
/// left unfinished: only the store can list them.
#[derive(Debug, Clone)]
pub struct S3Settings {
    /// `BOTTEGA_FILE_S3_ENDPOINT`: the store's URL; empty for AWS itself.
    pub endpoint: Option<String>,
    /// `BOTTEGA_FILE_S3_REGION`: default `us-east-1`.
    pub region: String,
    /// `BOTTEGA_FILE_S3_BUCKET`: needed; it must exist.
    pub bucket: String,
    /// `BOTTEGA_FILE_S3_ACCESS_KEY`: needed.
    pub access_key: String,
    /// `BOTTEGA_FILE_S3_SECRET_KEY`: needed.
    pub secret_key: SecretString,
    /// `BOTTEGA_FILE_S3_ALLOW_HTTP`: whether an endpoint without TLS is allowed; default off.
    pub allow_http: bool,
    /// `BOTTEGA_FILE_S3_PATH_STYLE`: whether the bucket stands in the path instead of the host
    /// name, as most stores but AWS want it; default on.
    pub path_style: bool,
}

impl StoreSettings {
    /// Reads `BOTTEGA_FILE_STORE` and, for S3, `BOTTEGA_FILE_S3_…`.
    pub fn read(reader: &mut Reader<'_>, data_dir: &Path) -> Self {
        let kind = reader.text("BOTTEGA_FILE_STORE", "local");
        let local = Self::Local(data_dir.join("files"));
        let wanted = kind == "s3";
        if !wanted && kind != "local" {
            reader.fault("BOTTEGA_FILE_STORE", "must be local or s3");
        }
        // Read in either case, so that no setting of a store not in use counts as misspelt.
        let s3 = S3Settings::read(reader, wanted);
        if wanted { Self::S3(s3) } else { local }
    }
}

impl S3Settings {
    fn read(reader: &mut Reader<'_>, needed: bool) -> Self {
        let mut text = |name: &str| {
            let value = reader.text(name, "");
            if needed && value.is_empty() {
                reader.fault(name, "must be set when BOTTEGA_FILE_STORE is s3");
            }
            value
        };
        let bucket = text("BOTTEGA_FILE_S3_BUCKET");
        let access_key = text("BOTTEGA_FILE_S3_ACCESS_KEY");
        let secret_key = reader.secret("BOTTEGA_FILE_S3_SECRET_KEY");
        if needed && secret_key.is_none() {
            reader.fault(
                "BOTTEGA_FILE_S3_SECRET_KEY",
                "must be set when BOTTEGA_FILE_STORE is s3",
            );
        }
        let allow_http = reader.switch("BOTTEGA_FILE_S3_ALLOW_HTTP", false);
        let endpoint = reader.optional::<String>("BOTTEGA_FILE_S3_ENDPOINT");
        if let Some(url) = &endpoint {
            let safe = url.starts_with("https://") || (allow_http && url.starts_with("http://"));
            if !safe {
                reader.fault(
                    "BOTTEGA_FILE_S3_ENDPOINT",
                    "must begin with https://, or with http:// when BOTTEGA_FILE_S3_ALLOW_HTTP is on",
                );
            }
        }
        Self {
            endpoint,
            region: reader.text("BOTTEGA_FILE_S3_REGION", "us-east-1"),
            bucket,
            access_key,
            secret_key: secret_key.unwrap_or_default(),
            allow_http,
            path_style: reader.switch("BOTTEGA_FILE_S3_PATH_STYLE", true),
        }
    }
}
