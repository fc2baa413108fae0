//! How many connections each client address has: one alone must not take all the places.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// The connections of each address.
pub(super) struct Addresses {
    most: Option<usize>,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A connection's place; it is free again once this is dropped.
pub(super) struct Place {
    address: IpAddr,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Addresses {
    /// At most this many for each; `None` for as many as there are.
    pub(super) fn new(most: Option<usize>) -> Self {
        Self {
            most,
            open: Arc::default(),
        }
    }

    /// A place for one more connection of an address; none when it has as many as it may.
    pub(super) fn enter(&self, address: IpAddr) -> Option<Place> {
        let address = counted(address);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_default();
        if self.most.is_some_and(|most| *count >= most) {
            return None;
        }
        *count += 1;
        Some(Place {
            address,
            open: Arc::clone(&self.open),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

/// A customer has a whole /64 of IPv6 addresses.
fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_own_places() {
        let addresses = Addresses::new(Some(2));
        let enter = |address: &str| addresses.enter(address.parse().unwrap());
        let first = enter("10.0.0.1");
        let _second = enter("::ffff:10.0.0.1");
        assert!(first.is_some() && enter("10.0.0.1").is_none());
        assert!(enter("10.0.0.2").is_some());
        drop(first);
        assert!(enter("10.0.0.1").is_some());
        let _six = [enter("2001:db8::1"), enter("2001:db8::2")];
        assert!(enter("2001:db8::3").is_none());
        assert!(enter("2001:db8:0:1::1").is_some());
    }

    #[test]
    fn who_left_is_forgotten() {
        let addresses = Addresses::new(None);
        let address: IpAddr = "10.0.0.1".parse().unwrap();
        let places: Vec<_> = (0..100)
            .map(|_| addresses.enter(address).unwrap())
            .collect();
        drop(places);
        assert!(addresses.open.lock().unwrap().is_empty());
    }
}
