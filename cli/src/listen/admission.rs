//! Which connections are served: no more than there are seats, and no more of one peer than its cap.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::limits::Limits;

/// The seats of all connections that are served.
#[derive(Debug, Clone)]
pub(super) struct Admission {
    limits: Limits,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_peer: HashMap<IpAddr, usize>,
}

/// The right of one connection to be served, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    admission: Admission,
    peer: IpAddr,
}

impl Admission {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, taken: Arc::default() }
    }

    /// A seat for a connection from this address, if one is left for it.
    pub(super) fn admit(&self, address: IpAddr) -> Option<Seat> {
        let peer = peer(address);
        let mut taken = self.taken();
        let of_peer = taken.by_peer.get(&peer).copied().unwrap_or_default();
        if taken.all >= self.limits.connections || of_peer >= self.limits.per_peer {
            return None;
        }
        taken.all += 1;
        taken.by_peer.insert(peer, of_peer + 1);
        Some(Seat { admission: self.clone(), peer })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.admission.taken();
        taken.all -= 1;
        if let Some(of_peer) = taken.by_peer.get_mut(&self.peer) {
            *of_peer -= 1;
            if *of_peer == 0 {
                taken.by_peer.remove(&self.peer);
            }
        }
    }
}

/// Whose address it is: in IPv6 one host has a whole network of 64 bits.
fn peer(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(connections: usize, per_peer: usize) -> impl Fn(&str) -> Option<Seat> {
        let admission = Admission::new(Limits { connections, per_peer });
        move |address| admission.admit(address.parse().unwrap())
    }

    #[test]
    fn one_peer_cannot_take_the_seats_of_others() {
        let admit = admission(4, 2);
        let mut seats: Vec<_> = ["10.0.0.1", "::ffff:10.0.0.1"].map(|peer| admit(peer).unwrap()).into();
        assert!(admit("10.0.0.1").is_none());
        seats.extend(["2001:db8::1", "2001:db8::ffff"].map(|peer| admit(peer).unwrap()));
        assert!(admit("10.0.0.2").is_none(), "all seats are taken");
        seats.remove(0);
        assert!(admit("2001:db8::2").is_none(), "one network is one peer");
        let returned = admit("10.0.0.1").unwrap();
        drop(seats);
        drop(returned);
        assert!(admit("2001:db8::2").is_some());
    }
}
