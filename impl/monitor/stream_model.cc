#include "impl/monitor/stream_model.h"

#include <algorithm>
#include <bitset>
#include <cstring>

#include "absl/container/flat_hash_map.h"

namespace ipcspec {
namespace {

using Op = StreamOperation;

constexpr size_t kWord = 8;  // bytes that tell writes apart

uint64_t WordAt(std::string_view data, size_t at) {
  uint64_t word;
  static_assert(sizeof word == kWord);
  std::memcpy(&word, data.data() + at, kWord);
  return word;
}

bool IsIdentity(const Op& op) { return op.kind >= Op::kFull; }
bool MindsFill(const Op& op) { return op.kind == Op::kFull || op.kind == Op::kCount; }

}  // namespace

void StreamModel::Prepare() {
  absl::flat_hash_map<uint64_t, uint32_t> begins;
  std::bitset<256> first_bytes;  // of writes: most places in a read are none of them
  std::vector<uint32_t> writes;
  unique_ = true;
  watchers_.clear();
  for (uint32_t i = 0; i < operations.size(); ++i) {
    const Op& op = operations[i];
    if (MindsFill(op)) watchers_.push_back(op.span.call);
    if (op.kind != Op::kWrite) continue;
    writes.push_back(i);
    unique_ = unique_ && op.moved >= kWord && begins.emplace(WordAt(op.data, 0), i).second;
    if (unique_) first_bytes.set(static_cast<uint8_t>(op.data[0]));
  }
  for (uint32_t i = 0; unique_ && i < operations.size(); ++i) {
    const Op& op = operations[i];
    if (op.kind != Op::kRead) continue;
    for (size_t at = 0; at + kWord <= op.data.size();) {
      const bool may_begin = first_bytes[static_cast<uint8_t>(op.data[at])];
      const auto found = may_begin ? begins.find(WordAt(op.data, at)) : begins.end();
      if (found == begins.end()) {
        ++at;
        continue;
      }
      Op& write = operations[found->second];
      write.reader = i;
      write.place = static_cast<uint32_t>(at);
      at += write.moved;
    }
  }
  std::sort(watchers_.begin(), watchers_.end());
  std::sort(writes.begin(), writes.end(), [this](uint32_t a, uint32_t b) {
    return operations[a].span.call < operations[b].span.call;
  });
  later_.assign(writes.size() + 1, kNone);
  for (size_t i = writes.size(); i-- > 0;) {
    later_[i] = std::min(later_[i + 1], TakenSpan(operations[writes[i]]).ret);
  }
}

void StreamModel::Reset() {
  chunks_.clear();
  taken_.clear();
  front_ = 0;
  bytes_ = pages_ = 0;
  called_ = 0;
}

// As Pipe::PagesAtWorst: the write began with a page of its own, or its odd bytes joined the page
// before; whichever takes more.
int64_t StreamModel::PagesAtWorst(const Chunk& chunk) const {
  const int64_t size = SizeOf(chunk);
  const auto pages = [&](int64_t head) {
    head = std::min(head, size);
    return (chunk.begin < head ? 1 : 0) + (size - head + page - 1) / page -
           std::max<int64_t>(chunk.begin - head, 0) / page;
  };
  const auto whole = static_cast<int64_t>(operations[chunk.operation].data.size());
  return chunk.alone ? pages(0) : std::max(pages(0), pages(whole % page));
}

bool StreamModel::Shows(std::string_view data) const {
  for (size_t i = front_; !data.empty(); ++i) {
    if (i == chunks_.size()) return false;
    const Op& write = operations[chunks_[i].operation];
    const auto rest = write.data.substr(0, write.moved).substr(chunks_[i].begin);
    const size_t part = std::min(rest.size(), data.size());
    if (rest.substr(0, part) != data.substr(0, part)) return false;
    data.remove_prefix(part);
  }
  return true;
}

bool StreamModel::CanSleep(const StreamSleeper& sleeper) const {
  return !sleeper.restless && (sleeper.writes ? !CertainlyFits(sleeper.size) : bytes_ == 0);
}

bool StreamModel::Enabled(uint32_t operation) const {
  const Op& op = operations[operation];
  switch (op.kind) {
    case Op::kWrite: {
      const int64_t room = capacity - bytes_;
      if (!op.in_parts) return op.moved <= room;
      const auto size = static_cast<int64_t>(op.data.size());
      return std::min(size, FreePages() * page) <= op.moved && op.moved <= std::min(size, room);
    }
    case Op::kRead:
      return bytes_ > 0 &&
             static_cast<int64_t>(op.data.size()) == std::min<int64_t>(op.moved, bytes_) &&
             Shows(op.data);
    case Op::kTake:
      return bytes_ > 0;
    case Op::kFull:
      return op.in_parts ? FreePages() <= 0 : !CertainlyFits(op.moved);
    case Op::kEmpty:
      return bytes_ == 0;
    case Op::kCount:
      return bytes_ == op.moved;
    case Op::kQuiet:
      return std::all_of(sleepers.begin() + op.first, sleepers.begin() + op.first + op.moved,
                         [this](const StreamSleeper& s) { return CanSleep(s); });
    default:
      return true;
  }
}

// Moves the beginning of the pipe by so many bytes, back if negative.
void StreamModel::MoveFront(int64_t bytes) {
  bytes_ -= bytes;
  while (bytes > 0) {
    Chunk& chunk = chunks_[front_];
    const int64_t part = std::min(bytes, SizeOf(chunk) - chunk.begin);
    pages_ -= PagesAtWorst(chunk);
    chunk.begin += part;
    bytes -= part;
    if (chunk.begin == SizeOf(chunk)) {
      ++front_;
    } else {
      pages_ += PagesAtWorst(chunk);
    }
  }
  while (bytes < 0) {
    if (front_ == chunks_.size() || chunks_[front_].begin == 0) {
      --front_;
    } else {
      pages_ -= PagesAtWorst(chunks_[front_]);
    }
    Chunk& chunk = chunks_[front_];
    const int64_t part = std::min(-bytes, chunk.begin);
    chunk.begin -= part;
    bytes += part;
    pages_ += PagesAtWorst(chunk);
  }
}

void StreamModel::Apply(uint32_t operation) {
  const Op& op = operations[operation];
  if (op.kind == Op::kWrite) {
    chunks_.push_back({.operation = operation, .alone = bytes_ == 0});
    bytes_ += op.moved;
    pages_ += PagesAtWorst(chunks_.back());
  } else if (op.kind == Op::kRead) {
    MoveFront(static_cast<int64_t>(op.data.size()));
  } else if (op.kind == Op::kTake) {
    taken_.push_back(std::min<int64_t>(op.moved, bytes_));
    MoveFront(taken_.back());
  }
}

void StreamModel::Undo(uint32_t operation) {
  const Op& op = operations[operation];
  if (op.kind == Op::kWrite) {
    pages_ -= PagesAtWorst(chunks_.back());
    bytes_ -= op.moved;
    chunks_.pop_back();
  } else if (op.kind == Op::kRead) {
    MoveFront(-static_cast<int64_t>(op.data.size()));
  } else if (op.kind == Op::kTake) {
    MoveFront(-taken_.back());
    taken_.pop_back();
  }
}

Fingerprint StreamModel::Hash() const {
  Fingerprint f;
  for (size_t i = front_; i < chunks_.size(); ++i) {
    const Chunk& chunk = chunks_[i];
    f += Fingerprint::Of(uint64_t{chunk.operation} << 1 | uint64_t{chunk.alone},
                         static_cast<uint64_t>(chunk.begin) << 32 | (i - front_));
  }
  return f;
}

bool StreamModel::NobodyMinds(const Window& window, const Op& read) const {
  const auto next = std::upper_bound(watchers_.begin(), watchers_.end(), window.now);
  if (next != watchers_.end() && *next < read.span.ret) return false;
  bool minds = false;
  ForEach(window, window.open,
          [&](uint32_t operation, uint64_t) { minds |= MindsFill(operations[operation]); });
  return !minds;
}

// R4. Whether reads show that a was written before b.
bool StreamModel::GoesBefore(const Op& a, const Op& b) const {
  if (a.reader == kNone || b.reader == kNone) return false;
  return a.reader == b.reader ? a.place < b.place
                              : operations[a.reader].span.ret < operations[b.reader].span.call;
}

uint64_t StreamModel::Candidates(const Window& window, uint32_t rules) const {
  uint64_t enabled = 0, now = 0;
  ForEach(window, window.open, [&](uint32_t operation, uint64_t bit) {
    if (now != 0 || !Enabled(operation)) return;
    const Op& op = operations[operation];
    // R1: what changes nothing can as well be done now. R2: so can a read of what is unique and at
    // the front: nobody else can take it, so nobody else reads before it.
    const bool eager = op.kind == Op::kRead && unique_ && (rules & kEagerTake) != 0;
    if ((IsIdentity(op) && (rules & kIdentityFirst) != 0) || (eager && NobodyMinds(window, op))) {
      now = bit;
    }
    enabled |= bit;
  });
  if (now != 0) return now;
  if ((rules & kLookAhead) == 0 || !unique_) return enabled;
  uint64_t left = enabled;
  ForEach(window, enabled, [&](uint32_t operation, uint64_t bit) {
    const Op& op = operations[operation];
    if (op.kind != Op::kWrite || op.reader == kNone) return;
    bool early = later_[called_] < TakenSpan(op).call;
    ForEach(window, window.open, [&](uint32_t other, uint64_t) {
      const Op& a = operations[other];
      early |= a.kind == Op::kWrite && GoesBefore(a, op);
    });
    if (early) left &= ~bit;
  });
  return left;
}

// R5. What is read first is written first.
uint64_t StreamModel::Best(const Window& window, uint64_t candidates, uint32_t rules) const {
  if ((rules & kBestFirst) == 0) return candidates & -candidates;
  uint64_t best = 0, best_key = 0;
  ForEach(window, candidates, [&](uint32_t operation, uint64_t bit) {
    const Op& op = operations[operation];
    uint64_t key = op.span.ret;
    if (op.kind == Op::kWrite) {
      const uint64_t taken = op.reader == kNone ? kNone : operations[op.reader].span.call;
      key = (taken + 1) << 31 | (op.reader == kNone ? op.span.ret >> 1 : op.place);
    }
    if (best == 0 || key < best_key) best = bit, best_key = key;
  });
  return best;
}

}  // namespace ipcspec
