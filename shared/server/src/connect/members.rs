//! The processes of one service: found by name, looked at, and in its channels while they serve.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::time::Duration;

use futures::future::join_all;
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, sleep, timeout};
use tonic::transport::Endpoint;
use tonic::transport::channel::Change;

use super::Standing;
use super::member::{Member, State};
use super::place::Place;

/// How often names are resolved, and how long that may take.
const RESOLVE: Duration = Duration::from_secs(5);
const RESOLVING: Duration = Duration::from_secs(2);
/// How often the members are looked at when there are several.
const LOOK: Duration = Duration::from_secs(2);
/// How often while something is wrong.
const LOOK_SOON: Duration = Duration::from_millis(500);

/// All of one service.
pub(super) struct Members {
    places: Vec<Place>,
    known: HashMap<String, Member>,
    lanes: Vec<Lane>,
    standing: Standing,
    resolve_at: Instant,
    is_suspected: bool,
    /// How many looks in a row left something wrong.
    bad_looks: u32,
}

/// One channel, and which members are in it.
struct Lane {
    changes: Sender<Change<String, Endpoint>>,
    used: HashSet<String>,
}

impl Members {
    pub(super) fn new(
        places: Vec<Place>,
        lanes: Vec<Sender<Change<String, Endpoint>>>,
        standing: Standing,
    ) -> Self {
        let lanes = lanes.into_iter().map(|changes| Lane {
            changes,
            used: HashSet::new(),
        });
        let mut all = Self {
            places,
            known: HashMap::new(),
            lanes: lanes.collect(),
            standing,
            resolve_at: Instant::now(),
            is_suspected: false,
            bad_looks: 0,
        };
        // The first calls need not wait for what a name resolves to.
        for (index, place) in all.places.iter().enumerate() {
            let first = Member::new(index, place.by_name());
            all.known.insert(place.name(), first);
        }
        all.choose();
        all
    }

    /// Goes on until nobody holds the channels any more.
    pub(super) async fn keep(mut self) {
        let changes: Vec<_> = self.lanes.iter().map(|lane| lane.changes.clone()).collect();
        let unused = join_all(changes.iter().map(Sender::closed));
        tokio::select! {
            () = self.watch() => {}
            _ = unused => {}
        }
    }

    async fn watch(&mut self) {
        let standing = self.standing.clone();
        loop {
            self.resolve().await;
            // Of a single member nothing is asked until somebody doubts it: there is no choice.
            if self.known.len() > 1 || self.is_in_doubt() {
                self.look().await;
            }
            tokio::select! {
                () = sleep(self.pause()) => {}
                () = standing.suspected() => self.is_suspected = true,
            }
        }
    }

    fn is_in_doubt(&self) -> bool {
        self.is_suspected || !self.known.values().all(Member::is_well)
    }

    fn pause(&self) -> Duration {
        if self.is_in_doubt() {
            // Something may be wrong for ever, like an address nobody listens at.
            (LOOK_SOON * self.bad_looks.max(1)).min(LOOK)
        } else if self.known.len() > 1 {
            LOOK
        } else {
            RESOLVE
        }
    }

    /// Asks every member how it is. Each answer counts as soon as it is there.
    async fn look(&mut self) {
        self.is_suspected = false;
        self.standing.begin_look();
        let looks = self.known.iter().map(|(key, member)| {
            let (key, look) = (key.clone(), member.look());
            async move { (key, look.await) }
        });
        let mut looks: FuturesUnordered<_> = looks.collect();
        while let Some((key, seen)) = looks.next().await {
            if let Some(member) = self.known.get_mut(&key) {
                let was_away = member.state == State::Away;
                member.note(seen);
                if was_away && member.state != State::Away {
                    self.lanes.iter_mut().for_each(|lane| lane.remove(&key));
                }
            }
            self.choose();
        }
        self.bad_looks = match self.is_in_doubt() {
            true => self.bad_looks.saturating_add(1),
            false => 0,
        };
        self.standing.end_look();
    }

    /// Finds out where the members are by now. What cannot be resolved stays where it was.
    async fn resolve(&mut self) {
        let is_fixed = self.places.iter().all(Place::is_address);
        if is_fixed || Instant::now() < self.resolve_at {
            return;
        }
        let answers = join_all(
            self.places
                .iter()
                .map(|place| timeout(RESOLVING, place.look_up())),
        );
        let answers = answers.await;
        self.resolve_at = Instant::now() + RESOLVE;
        for (index, answer) in answers.into_iter().enumerate() {
            match answer {
                Ok(Ok(addresses)) if !addresses.is_empty() => self.move_to(index, &addresses),
                Ok(Ok(_)) | Err(_) => {}
                Ok(Err(error)) => tracing::debug!(%error, "a service's name does not resolve"),
            }
        }
    }

    /// Takes these for all the addresses of a place.
    pub(super) fn move_to(&mut self, index: usize, addresses: &[SocketAddr]) {
        let place = &self.places[index];
        let found: HashMap<String, SocketAddr> = addresses
            .iter()
            .map(|address| (address.to_string(), *address))
            .collect();
        self.known
            .retain(|key, member| member.place != index || found.contains_key(key));
        for (key, address) in found {
            let known = self.known.entry(key);
            known.or_insert_with(|| Member::new(index, place.at(address)));
        }
        self.choose();
    }

    /// Puts those into the channels that serve; if there are none those that answer, and if nobody does,
    /// all: a call then fails at once.
    fn choose(&mut self) {
        let best = [State::Serving, State::Refusing]
            .into_iter()
            .find(|state| self.known.values().any(|one| one.state == *state))
            .unwrap_or(State::Away);
        self.standing.tell(best == State::Away);
        let chosen = || {
            let members = self.known.iter();
            members.filter(|(_, member)| member.state == best)
        };
        for lane in &mut self.lanes {
            for (key, member) in chosen() {
                lane.insert(key, &member.endpoint);
            }
            lane.keep_only(|key| self.known.get(key).is_some_and(|one| one.state == best));
        }
    }
}

impl Lane {
    // A channel takes its changes up when it is called. Without room for one it stays as it is until the
    // next look.
    fn insert(&mut self, key: &str, endpoint: &Endpoint) {
        if self.used.contains(key) {
            return;
        }
        let change = Change::Insert(key.to_owned(), endpoint.clone());
        if self.changes.try_send(change).is_ok() {
            self.used.insert(key.to_owned());
        }
    }

    // What failed to connect tells so to the next call, however long ago that was: who is back is put in anew.
    fn remove(&mut self, key: &str) {
        self.keep_only(|other| other != key);
    }

    fn keep_only(&mut self, is_kept: impl Fn(&str) -> bool) {
        let changes = &self.changes;
        self.used
            .retain(|key| is_kept(key) || changes.try_send(Change::Remove(key.clone())).is_err());
    }
}
