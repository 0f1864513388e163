#include "impl/oracle/trail.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/types/span.h"
#include "impl/oracle/likeness.h"
#include "impl/oracle/search.h"

namespace ipcspec {
namespace {

// How many worlds one event may visit; and how many may be found in all: a second or a few.
constexpr size_t kBudget = 4000;
constexpr uint64_t kMostWorlds = 1'000'000;

// The events of a trail from `begin` to before `end`; what the wrong outcome was may be left open:
// its task may have done anything.
std::vector<Event> BatchOf(const Trail& trail, size_t begin, size_t end, bool as_seen) {
  const auto at = [&](size_t i) { return trail.events.begin() + static_cast<std::ptrdiff_t>(i); };
  std::vector<Event> batch(at(begin), at(end));
  if (!as_seen && begin <= trail.failing && trail.failing < end) {
    Event& failing = batch[trail.failing - begin];
    if (failing.kind == Event::Kind::kReturn) failing.kind = Event::Kind::kExit;
  }
  return batch;
}

// Whether anything that comes after the first `count` events may tell who used objects last.
bool UsesMatter(const std::vector<Event>& events, size_t count) {
  std::map<int, bool> tells;  // by task: the call that it is in, or was in last
  for (size_t i = 0; i < events.size(); ++i) {
    const Event& event = events[i];
    if (event.kind == Event::Kind::kCall) tells[event.task] = TellsUses(*event.call);
    if (i >= count && tells[event.task]) return true;
  }
  return false;
}

}  // namespace

size_t BatchBegin(const std::vector<Event>& events, size_t at) {
  while (at > 0 && events[at - 1].kind != Event::Kind::kQuiet) --at;
  return at;
}

size_t BatchEnd(const std::vector<Event>& events, size_t at) {
  while (at < events.size() && events[at].kind != Event::Kind::kQuiet) ++at;
  return std::min(at + 1, events.size());
}

bool Tracker::spent() const { return worlds_ > kMostWorlds; }

bool Tracker::Walk(const Trail& trail, size_t begin, size_t end, bool as_seen, Keep keep) {
  const Worlds* worlds = &Before(trail, begin);
  while (begin < end) {
    const size_t batch_end = BatchEnd(trail.events, begin);
    const std::vector<Event> batch = BatchOf(trail, begin, batch_end, as_seen);
    Future future(batch);
    for (size_t i = begin; i < std::min(batch_end, end); ++i) {
      future.Advance(i - begin);
      Search search(future, kBudget);
      Worlds next = search.Through(*worlds, trail.events[i]);
      worlds_ += next.size() + 1;
      if (search.exhausted()) return false;
      worlds = keep(i, std::move(next));
      if (worlds == nullptr) return true;
    }
    begin = batch_end;
  }
  return true;
}

size_t Tracker::FirstWrong(const Trail& trail, size_t begin) {
  size_t wrong = SIZE_MAX;
  Worlds last;
  Walk(trail, begin, trail.events.size(), /*as_seen=*/true, [&](size_t i, Worlds worlds) {
    last = std::move(worlds);
    if (last.empty()) wrong = i;
    return last.empty() ? nullptr : &last;
  });
  return wrong;
}

bool Tracker::Follow(size_t begin, Trail& trail) {
  trail.after.resize(begin);
  // What was possible stays where it is while more is found.
  trail.after.reserve(trail.failing);
  return Walk(trail, begin, trail.failing, /*as_seen=*/false,
              [&](size_t, Worlds worlds) -> const Worlds* {
                if (worlds.empty()) return nullptr;
                return &trail.after.emplace_back(std::move(worlds));
              });
}

bool Tracker::Covers(const Trail& part, size_t count, const Trail& whole,
                     size_t whole_count) const {
  Worlds have = Before(part, count);
  // The search is lazy: what can happen, but need not have happened yet, counts as well.
  if (const size_t begin = BatchBegin(part.events, count); begin < count) {
    const std::vector<Event> batch =
        BatchOf(part, begin, BatchEnd(part.events, count), /*as_seen=*/false);
    Future future(batch);
    future.Advance(count - begin);
    Search search(future, kBudget);
    have = search.Closure(have, part.events[count - 1].time_ns);
    if (search.exhausted()) return false;
  }
  const bool uses_matter = UsesMatter(part.events, count);
  absl::flat_hash_set<World> possible;
  for (World& world : have) {
    Forget(world, uses_matter);
    possible.insert(std::move(world));
  }
  const Event& failing = part.events[part.failing];
  const int unknown = failing.kind == Event::Kind::kReturn ? failing.task : -1;
  const Worlds& all = Before(whole, whole_count);
  return std::all_of(all.begin(), all.end(), [&](World world) {
    // A world does not know with which outcome a call is done.
    if (unknown >= 0 && world.GetTask(unknown).current.done) return false;
    Forget(world, uses_matter);
    return possible.contains(world);
  });
}

}  // namespace ipcspec
