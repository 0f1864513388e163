// Seeded faults of messages in queues, and of what fits into queues and pipes.
#include <algorithm>
#include <cerrno>

#include "stress/seeder.h"

namespace ipcspec {

void Seeder::Swap() {
  for (const Traffic& traffic : traffic_) {
    const std::vector<const Transfer*> takes = TakesOf(traffic);
    for (size_t i = 0; i < takes.size(); ++i) {
      // Neighbours are enough: the next of its kind that was surely later on both sides.
      for (size_t j = i + 1; j < std::min(takes.size(), i + 8); ++j) {
        const Transfer &a = *takes[i], &b = *takes[j];
        if (!IsUnique(a) || !IsUnique(b) || a.kind != b.kind || !a.op->Before(*b.op)) continue;
        const Transfer *first = PutOf(*a.text), *second = PutOf(*b.text);
        if (first == nullptr || second == nullptr || !first->op->Before(*second->op)) continue;
        Add([x = a.op->returned, y = b.op->returned](Events& events) {
          std::swap(events[x].outcome, events[y].outcome);
        });
      }
    }
  }
}

void Seeder::Duplicate() {
  for (const Traffic& traffic : traffic_) {
    const Transfer* before = nullptr;
    for (const Transfer* take : TakesOf(traffic)) {
      if (before != nullptr && take->message && IsUnique(*before)) {
        AddOutcome(*take->op, *before->op->outcome);
      }
      before = take;
    }
  }
}

void Seeder::Loss() {
  if (ends_) return;  // whoever was killed may have taken it
  for (const Traffic& traffic : traffic_) {
    for (const Transfer* take : TakesOf(traffic)) {
      if (take->waits || !IsUnique(*take)) continue;
      const Transfer* put = PutOf(*take->text);
      if (put == nullptr || !put->op->Before(*take->op)) continue;
      AddOutcome(*take->op, Fails(take->op->As<Msgrcv>() != nullptr ? ENOMSG : ETIMEDOUT));
    }
  }
}

// A taker's call is put off until so much has gone in that there was no room without it.
void Seeder::OverCapacity() {
  for (const Traffic& traffic : traffic_) {
    // By event: what surely went in up to it, and what may have gone out.
    std::vector<int64_t> in(events_.size()), out(events_.size());
    for (const Transfer& t : traffic.transfers) {
      if (t.puts && t.op->ok()) in[t.op->returned] += t.amount;
      if (!t.puts) out[t.op->called] += t.amount;
    }
    for (size_t i = 1; i < events_.size(); ++i) in[i] += in[i - 1], out[i] += out[i - 1];
    for (const Transfer* take : TakesOf(traffic)) {
      for (size_t i = take->op->called + 1; i < events_.size(); ++i) {
        const Event& e = events_[i];
        const bool its_own = e.kind != Event::Kind::kQuiet && e.task == take->op->task;
        if (e.kind == Event::Kind::kQuiet || (its_own && i != take->op->returned)) break;
        if (in[i] - (out[i] - take->amount) <= traffic.capacity) continue;
        Add([from = take->op->called, back = take->op->returned, to = i](Events& events) {
          const auto at = [&](size_t n) { return events.begin() + static_cast<std::ptrdiff_t>(n); };
          const size_t moved = back <= to ? 2 : 1;
          if (moved == 2) std::rotate(at(back), at(back + 1), at(to + 1));
          std::rotate(at(from), at(from + 1), at(to + 2 - moved));
          for (size_t n = from; n <= to; ++n) {
            events[n].time_ns = std::max(events[n].time_ns, n > 0 ? events[n - 1].time_ns : 0);
          }
        });
        break;
      }
    }
  }
}

}  // namespace ipcspec
