#include "impl/monitor/queue_model.h"

#include <algorithm>
#include <bit>

namespace ipcspec {
namespace {

using Op = QueueOperation;

// How many messages of a rank the look-ahead inspects: more costs time, fewer only prunes less.
constexpr size_t kInspected = 16;

bool IsIdentity(const Op& op) { return op.kind >= Op::kFull; }
bool MindsFill(const Op& op) { return op.kind == Op::kFull || op.kind == Op::kTooLong; }

}  // namespace

void QueueModel::Prepare() {
  by_rank_.assign(ranks, Rank());
  first_take_ = kNone;
  all_highest_ = true;
  counts_unobserved_ = false;
  fill_watchers_.clear();
  for (const Op& op : operations) {
    const bool receives =
        op.kind == Op::kReceive || op.kind == Op::kTake || op.kind == Op::kTooLong;
    if (receives && op.selector != Selector::kHighest) all_highest_ = false;
    if (op.kind == Op::kTake) first_take_ = std::min(first_take_, op.span.call);
    if (MindsFill(op)) fill_watchers_.push_back(op.span.call), counts_unobserved_ = true;
  }
  for (const QueueSleeper& sleeper : sleepers) counts_unobserved_ |= sleeper.sends;
  std::sort(fill_watchers_.begin(), fill_watchers_.end());

  std::vector<std::vector<uint32_t>> sends(ranks);
  for (uint32_t i = 0; i < operations.size(); ++i) {
    if (operations[i].kind == Op::kSend) sends[operations[i].rank].push_back(i);
  }
  for (uint32_t r = 0; r < ranks; ++r) {
    std::sort(sends[r].begin(), sends[r].end(), [this](uint32_t a, uint32_t b) {
      return operations[a].span.call < operations[b].span.call;
    });
    std::vector<uint32_t>& later = by_rank_[r].later;
    later.assign(sends[r].size() + 1, kNone);
    for (size_t i = sends[r].size(); i-- > 0;) {
      later[i] = std::min(later[i + 1], TakenSpan(operations[sends[r][i]]).ret);
    }
  }
}

void QueueModel::Reset() {
  for (Rank& rank : by_rank_) rank.sent.clear(), rank.head = 0, rank.called = 0;
  when_.assign(operations.size(), kNone);
  sends_ = 0;
  count_ = bytes_ = 0;
  hash_ = Fingerprint();
}

void QueueModel::Called(uint32_t operation) {
  const Op& op = operations[operation];
  if (op.kind == Op::kSend) ++by_rank_[op.rank].called;
}

void QueueModel::Uncalled(uint32_t operation) {
  const Op& op = operations[operation];
  if (op.kind == Op::kSend) --by_rank_[op.rank].called;
}

uint32_t QueueModel::Select(Selector selector, uint32_t rank) const {
  switch (selector) {
    case Selector::kRank:
      return rank == kNone || by_rank_[rank].empty() ? kNone : by_rank_[rank].first();
    case Selector::kUpTo:
      for (uint32_t r = 0; rank != kNone && r <= rank; ++r) {
        if (!by_rank_[r].empty()) return by_rank_[r].first();
      }
      return kNone;
    case Selector::kHighest:
      for (uint32_t r = ranks; r-- > 0;) {
        if (!by_rank_[r].empty()) return by_rank_[r].first();
      }
      return kNone;
    case Selector::kOldest:
    case Selector::kExcept:
      break;
  }
  uint32_t oldest = kNone;
  for (uint32_t r = 0; r < ranks; ++r) {
    if (by_rank_[r].empty() || (selector == Selector::kExcept && r == rank)) continue;
    const uint32_t first = by_rank_[r].first();
    if (oldest == kNone || when_[first] < when_[oldest]) oldest = first;
  }
  return oldest;
}

bool QueueModel::Prefers(Selector selector, uint32_t key, uint32_t a, uint32_t b, bool b_is_later) {
  if (a == b) return b_is_later;
  switch (selector) {
    case Selector::kRank:
      return false;
    case Selector::kUpTo:
      return a < b;
    case Selector::kHighest:
      return a > b;
    case Selector::kOldest:
      return b_is_later;
    case Selector::kExcept:
      return a != key && b_is_later;
  }
  return false;
}

bool QueueModel::CanSleep(const QueueSleeper& sleeper) const {
  if (sleeper.restless) return false;
  return sleeper.sends ? !HasRoom(sleeper.size) : Select(sleeper.selector, sleeper.rank) == kNone;
}

bool QueueModel::Enabled(uint32_t operation) const {
  const Op& op = operations[operation];
  switch (op.kind) {
    case Op::kSend:
      return HasRoom(op.size);
    case Op::kReceive:
      return op.mate != kNone && Select(op.selector, op.rank) == op.mate;
    case Op::kTake: {
      const uint32_t send = Select(op.selector, op.rank);
      return send != kNone && operations[send].size <= op.size;
    }
    case Op::kFull:
      return !HasRoom(op.size);
    case Op::kEmpty:
      return Select(op.selector, op.rank) == kNone;
    case Op::kTooLong: {
      const uint32_t send = Select(op.selector, op.rank);
      return send != kNone && operations[send].size > op.size;
    }
    case Op::kInterrupted:
      return true;
    case Op::kQuiet:
      return std::all_of(sleepers.begin() + op.mate, sleepers.begin() + op.mate + op.size,
                         [this](const QueueSleeper& s) { return CanSleep(s); });
  }
  return false;
}

void QueueModel::Remove(uint32_t send) {
  const Op& op = operations[send];
  ++by_rank_[op.rank].head;
  --count_, bytes_ -= op.size;
  hash_ -= HashOf(send);
}

void QueueModel::PutBack(uint32_t send) {
  const Op& op = operations[send];
  --by_rank_[op.rank].head;
  ++count_, bytes_ += op.size;
  hash_ += HashOf(send);
}

void QueueModel::Apply(uint32_t operation) {
  Op& op = operations[operation];
  if (op.kind == Op::kSend) {
    when_[operation] = sends_++;
    by_rank_[op.rank].sent.push_back(operation);
    ++count_, bytes_ += op.size;
    hash_ += HashOf(operation);
  } else if (op.kind == Op::kReceive) {
    Remove(op.mate);
  } else if (op.kind == Op::kTake) {
    op.mate = Select(op.selector, op.rank);
    Remove(op.mate);
  }
}

void QueueModel::Undo(uint32_t operation) {
  const Op& op = operations[operation];
  if (op.kind == Op::kSend) {
    hash_ -= HashOf(operation);
    --count_, bytes_ -= op.size;
    by_rank_[op.rank].sent.pop_back();
    when_[operation] = kNone;
    --sends_;
  } else if (op.kind == Op::kReceive || op.kind == Op::kTake) {
    PutBack(op.mate);
  }
}

bool QueueModel::NobodyMinds(const Window& window, const Op& receive) const {
  if (fill_watchers_.empty()) return true;
  const auto next = std::upper_bound(fill_watchers_.begin(), fill_watchers_.end(), window.now);
  if (next != fill_watchers_.end() && *next < receive.span.ret) return false;
  bool minds = false;
  ForEach(window, window.open,
          [&](uint32_t operation, uint64_t) { minds |= MindsFill(operations[operation]); });
  return !minds;
}

bool QueueModel::ComesFirst(const Op& send) const {
  if (!HasRoom(send.size) || !by_rank_[send.rank].empty()) return false;
  const Op& receive = operations[send.mate];
  const uint32_t selected = Select(receive.selector, receive.rank);
  return selected == kNone || !Prefers(receive.selector, receive.rank, operations[selected].rank,
                                       send.rank, /*b_is_later=*/true);
}

// R9. A message that must leave before the target can be done must have a receiver that was called
// by now, for the target returns now.
bool QueueModel::IsDeadEnd(const Window& window) const {
  const Op& target = operations[window.target];
  const auto stays = [&](uint32_t send) { return TakenSpan(operations[send]).call > window.now; };
  if (target.kind == Op::kSend) {
    if (HasRoom(target.size)) return false;
    return std::all_of(by_rank_.begin(), by_rank_.end(),
                       [&](const Rank& rank) { return rank.empty() || stays(rank.first()); });
  }
  if (target.kind != Op::kReceive) return false;
  if (target.mate == kNone) return true;
  const Op& message = operations[target.mate];
  const uint32_t when = when_[target.mate];
  if (when == kNone && message.span.call > window.now) return true;
  for (const Rank& rank : by_rank_) {
    if (rank.empty() || rank.first() == target.mate) continue;
    const uint32_t first = rank.first();
    if (Prefers(target.selector, target.rank, operations[first].rank, message.rank,
                when == kNone || when_[first] < when) &&
        stays(first)) {
      return true;
    }
  }
  return false;
}

// R4. If a's receive was over before b's began, a was received before b. So of one rank a was sent
// before b; and where the highest rank goes first, b of a higher rank was not even sent then.
bool QueueModel::ComesTooEarly(const Window& window, const Op& send) const {
  const uint32_t taken = TakenSpan(send).call;
  const auto before = [&](const Op& other) { return TakenSpan(other).ret < taken; };
  const uint32_t lowest = all_highest_ ? 0 : send.rank;
  bool early = false;
  ForEach(window, window.open, [&](uint32_t operation, uint64_t) {
    const Op& other = operations[operation];
    early |=
        other.kind == Op::kSend && lowest <= other.rank && other.rank <= send.rank && before(other);
  });
  for (uint32_t r = lowest; r <= send.rank && !early; ++r) {
    const Rank& rank = by_rank_[r];
    early = rank.later[rank.called] < taken;
    if (r == send.rank) continue;
    const size_t end = std::min(rank.sent.size(), rank.head + kInspected);
    for (size_t i = rank.head; i < end && !early; ++i) early = before(operations[rank.sent[i]]);
  }
  return early;
}

// R10. If in every way a is at least as urgent as b, a and b can change places in any order that
// has b first.
bool QueueModel::IsDominated(const Window& window, uint32_t send) const {
  const Op& b = operations[send];
  const Span taken = TakenSpan(b);
  bool dominated = false;
  ForEach(window, window.open, [&](uint32_t operation, uint64_t) {
    const Op& a = operations[operation];
    if (dominated || operation == send || a.kind != Op::kSend || a.optional || a.rank != b.rank ||
        a.size != b.size || a.span.ret > b.span.ret) {
      return;
    }
    if (a.mate == kNone || b.mate == kNone) {
      // Messages that stay are alike, unless somebody unknown may have taken one.
      dominated = first_take_ == kNone && b.mate == kNone && (a.mate != kNone || !b.optional);
    } else {
      const Op &of_a = operations[a.mate], &of_b = operations[b.mate];
      dominated = of_a.span.call <= taken.call && of_a.span.ret <= taken.ret &&
                  of_a.selector == of_b.selector && of_a.rank == of_b.rank;
    }
    // Of equals the first goes first.
    if (dominated && a.span.ret == b.span.ret) dominated = operation < send;
  });
  return dominated;
}

uint64_t QueueModel::Candidates(const Window& window, uint32_t rules) const {
  uint64_t enabled = 0, now = 0;
  const bool drops = (rules & kUnobserved) != 0 && !counts_unobserved_;
  ForEach(window, window.open, [&](uint32_t operation, uint64_t bit) {
    if (now != 0) return;
    const Op& op = operations[operation];
    // R8: one message less never hurts where nobody can have noticed it.
    if (drops && op.optional && op.kind == Op::kSend) return;
    if (!Enabled(operation)) return;
    // R1: what changes nothing can as well be done now. R2: so can what only makes room, if nobody
    // minds: any other receiver selects the same whether this message is there or not.
    const bool eager = op.kind == Op::kReceive && (rules & kEagerTake) != 0;
    if ((IsIdentity(op) && (rules & kIdentityFirst) != 0) || (eager && NobodyMinds(window, op))) {
      now = bit;
    }
    enabled |= bit;
  });
  if (now != 0) return now;
  const Op& target = operations[window.target];
  if (drops && target.optional && target.kind == Op::kSend) return 0;
  if ((rules & kDeadEnd) != 0 && IsDeadEnd(window)) return 0;

  uint64_t left = enabled;
  ForEach(window, enabled, [&](uint32_t operation, uint64_t bit) {
    const Op& op = operations[operation];
    if (now != 0 || op.kind != Op::kSend) return;
    // R3: what is sent and received at once was never there for anybody else.
    if ((rules & kElimination) != 0 && op.mate != kNone &&
        operations[op.mate].span.call < window.now && ComesFirst(op) &&
        NobodyMinds(window, operations[op.mate])) {
      now = bit;
    } else if (((rules & kLookAhead) != 0 && ComesTooEarly(window, op)) ||
               ((rules & kDominance) != 0 && IsDominated(window, operation))) {
      left &= ~bit;
    }
  });
  return now != 0 ? now : left;
}

// R5. The message that is received first is sent first: that keeps the queue as empty as can be.
uint64_t QueueModel::Best(const Window& window, uint64_t candidates, uint32_t rules) const {
  if ((rules & kBestFirst) == 0) return candidates & -candidates;
  uint64_t best = 0, best_key = 0;
  ForEach(window, candidates, [&](uint32_t operation, uint64_t bit) {
    const Op& op = operations[operation];
    const uint64_t taken = op.kind == Op::kSend ? uint64_t{TakenSpan(op).call} + 1 : 0;
    const uint64_t key = taken << 31 | op.span.ret >> 1;
    if (best == 0 || key < best_key) best = bit, best_key = key;
  });
  return best;
}

}  // namespace ipcspec
