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

// The batch, and in place of the outcome that cannot be: that the task may have done anything.
std::vector<Event> BatchWithoutOutcome(const Trail& trail, size_t begin, size_t end) {
  const auto at = [&](size_t i) { return trail.events.begin() + static_cast<std::ptrdiff_t>(i); };
  std::vector<Event> batch(at(begin), at(end));
  if (begin <= trail.failing && trail.failing < end) {
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

size_t Tracker::FirstWrong(const Trail& trail, size_t begin) {
  Worlds worlds = Before(trail, begin);
  while (begin < trail.events.size()) {
    const size_t end = BatchEnd(trail.events, begin);
    Future future(absl::MakeConstSpan(trail.events).subspan(begin, end - begin));
    for (size_t i = begin; i < end; ++i) {
      future.Advance(i - begin);
      Search search(future, kBudget);
      worlds = search.Through(worlds, trail.events[i]);
      worlds_ += worlds.size() + 1;
      if (search.exhausted()) return SIZE_MAX;
      if (worlds.empty()) return i;
    }
    begin = end;
  }
  return SIZE_MAX;
}

bool Tracker::Follow(size_t begin, Trail& trail) {
  trail.after.resize(begin);
  while (begin < trail.failing) {
    const size_t end = BatchEnd(trail.events, begin);
    const std::vector<Event> batch = BatchWithoutOutcome(trail, begin, end);
    Future future(batch);
    for (size_t i = begin; i < std::min(end, trail.failing); ++i) {
      future.Advance(i - begin);
      Search search(future, kBudget);
      Worlds next = search.Through(Before(trail, i), trail.events[i]);
      worlds_ += next.size() + 1;
      if (search.exhausted()) return false;
      if (next.empty()) return true;
      trail.after.push_back(std::move(next));
    }
    begin = end;
  }
  return true;
}

bool Tracker::Covers(const Trail& part, size_t count, const Trail& whole,
                     size_t whole_count) const {
  Worlds have = Before(part, count);
  // The search is lazy: what can happen, but need not have happened yet, counts as well.
  if (const size_t begin = BatchBegin(part.events, count); begin < count) {
    const std::vector<Event> batch = BatchWithoutOutcome(part, begin, BatchEnd(part.events, count));
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
