//! One connection through the proxy.

use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;

use super::trap::{Trail, Trap, Traps};
use super::{Fate, Moment, Network};

const PIECE: usize = 16 * 1024;

/// What connections are made of.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) server: SocketAddr,
    pub(super) network: watch::Receiver<Network>,
    pub(super) fates: watch::Receiver<Fate>,
    pub(super) traps: Traps,
}

// How a connection ended without a fault.
enum End {
    Done,
    Stranded,
}

// A trap whose bytes arrived, and whose answer is waited for.
type Sprung = Mutex<Option<Trap>>;

impl Line {
    /// Carries bytes both ways until both ends are done, or the network says otherwise.
    pub(super) async fn carry(mut self, mut client: TcpStream) {
        self.fates.mark_unchanged();
        let Ok(mut server) = TcpStream::connect(self.server).await else {
            let _ = client.set_zero_linger();
            return;
        };
        for stream in [&client, &server] {
            let _ = stream.set_nodelay(true);
        }
        let (mut fates, mut network) = (self.fates.clone(), self.network.clone());
        let sprung = Sprung::default();
        let outcome = {
            let (from_client, to_client) = client.split();
            let (from_server, to_server) = server.split();
            let there = self.there(from_client, to_server, &sprung);
            let back = self.back(from_server, to_client, &sprung);
            let both = async { tokio::try_join!(there, back).map(|_| End::Done) };
            tokio::select! {
                outcome = both => outcome,
                _ = fates.changed() => match *fates.borrow() {
                    Fate::Reset => Err(cut()),
                    Fate::Stranded => Ok(End::Stranded),
                },
                _ = network.wait_for(|network| *network == Network::Refuses) => Err(cut()),
            }
        };
        if matches!(outcome, Ok(End::Stranded)) {
            std::future::pending::<()>().await;
        }
        if outcome.is_err() {
            // A reset, and not an end that could be taken for a proper one. The server still reads
            // what was sent to it.
            let _ = client.set_zero_linger();
        }
    }

    async fn there(
        &self,
        mut client: ReadHalf<'_>,
        mut server: WriteHalf<'_>,
        sprung: &Sprung,
    ) -> io::Result<()> {
        let (mut piece, mut trail) = (vec![0; PIECE], Trail::default());
        loop {
            let length = client.read(&mut piece).await?;
            self.pass().await;
            if length == 0 {
                return server.shutdown().await;
            }
            let piece = piece.get(..length).unwrap_or_default();
            match trail.walk(&self.traps, piece) {
                Some(trap) if trap.moment == Moment::Before => {
                    trap.spring();
                    return Err(cut());
                }
                // Noted first: the answer must not come through before it is waited for.
                Some(trap) => *lock(sprung) = Some(trap),
                None => {}
            }
            server.write_all(piece).await?;
        }
    }

    async fn back(
        &self,
        mut server: ReadHalf<'_>,
        mut client: WriteHalf<'_>,
        sprung: &Sprung,
    ) -> io::Result<()> {
        let (mut piece, mut passed) = (vec![0; PIECE], 0_usize);
        loop {
            let length = server.read(&mut piece).await?;
            let caught = lock(sprung).take();
            if let Some(trap) = caught {
                let is_lost = trap.moment == Moment::Forwarded;
                trap.spring();
                if is_lost {
                    return Err(cut());
                }
            }
            let network = self.pass().await;
            if length == 0 {
                return client.shutdown().await;
            }
            let mut piece = piece.get(..length).unwrap_or_default();
            match network {
                Network::Slow(delay) => tokio::time::sleep(delay).await,
                Network::Cuts(most) => {
                    piece = piece.get(..most - passed.min(most)).unwrap_or(piece)
                }
                Network::Passes | Network::Blackhole | Network::Refuses => {}
            }
            client.write_all(piece).await?;
            passed += piece.len();
            if matches!(network, Network::Cuts(most) if passed >= most) {
                return Err(cut());
            }
        }
    }

    // Waits out a blackhole, and gives what the network does now.
    async fn pass(&self) -> Network {
        let mut network = self.network.clone();
        let open = network
            .wait_for(|network| *network != Network::Blackhole)
            .await;
        open.map_or(Network::Refuses, |network| *network)
    }
}

fn lock(sprung: &Sprung) -> std::sync::MutexGuard<'_, Option<Trap>> {
    sprung.lock().unwrap_or_else(PoisonError::into_inner)
}

fn cut() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}
