//! News by way of the database.

use async_trait::async_trait;
use database::Listener;

use super::{Store, failed};
use crate::domain::error::Error;
use crate::domain::news::{Ear, Wire};

#[async_trait]
impl Wire for Store {
    async fn tell(&self, text: &str) -> Result<(), Error> {
        let channel = self.db.service();
        self.db.tell(channel, text).await.map_err(failed)
    }

    async fn listen(&self) -> Result<Option<Box<dyn Ear>>, Error> {
        let listener = self.db.listen(self.db.service()).await.map_err(failed)?;
        Ok(listener.map(|listener| Box::new(Heard(listener)) as Box<dyn Ear>))
    }
}

struct Heard(Listener);

#[async_trait]
impl Ear for Heard {
    async fn next(&mut self) -> Result<Option<String>, Error> {
        self.0.next().await.map_err(failed)
    }
}
