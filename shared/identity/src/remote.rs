//! Keys fetched from the auth service.

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use contracts::auth::v1::auth_service_client::AuthServiceClient;
use contracts::auth::v1::{GetJwksRequest, Jwk};
use errors::Fault;
use tonic::transport::Channel;

use crate::jws::is_kid;
use crate::{KeySource, PublicKey};

/// Asks `AuthService.GetJwks`.
#[derive(Debug, Clone)]
pub struct RemoteKeys {
    auth: AuthServiceClient<Channel>,
}

impl RemoteKeys {
    /// Keys of the auth service behind this channel.
    #[must_use]
    pub fn new(auth: Channel) -> Self {
        Self {
            auth: AuthServiceClient::new(auth),
        }
    }
}

#[async_trait]
impl KeySource for RemoteKeys {
    async fn keys(&self) -> Result<Vec<PublicKey>, Fault> {
        let mut auth = self.auth.clone();
        let answer = auth.get_jwks(GetJwksRequest {}).await;
        let answer = answer.map_err(|status| Fault::unavailable("the auth service", status))?;
        Ok(answer.into_inner().keys.iter().filter_map(read).collect())
    }
}

// A key of another kind is passed over: a newer auth service may publish some.
fn read(jwk: &Jwk) -> Option<PublicKey> {
    if jwk.kty != "OKP" || jwk.crv != "Ed25519" || !is_kid(&jwk.kid) {
        return None;
    }
    let x = URL_SAFE_NO_PAD.decode(&jwk.x).ok()?;
    Some(PublicKey {
        kid: jwk.kid.clone(),
        x: x.try_into().ok()?,
    })
}
