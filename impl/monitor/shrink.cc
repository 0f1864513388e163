#include "impl/monitor/shrink.h"

#include <algorithm>
#include <set>
#include <utility>

namespace ipcspec {
namespace {

bool Overlap(Span a, Span b) { return a.call <= b.ret && b.call <= a.ret; }

// Adds to the set what its watchers may depend on, and what others need.
std::vector<size_t> Closure(const std::vector<Group>& groups, std::vector<size_t> kept) {
  std::vector<char> is_kept(groups.size());
  const auto keep = [&](size_t i) {
    if (std::exchange(is_kept[i], 1) == 0) kept.push_back(i);
  };
  for (const size_t i : kept) is_kept[i] = 1;
  for (size_t k = 0; k < kept.size(); ++k) {
    const Group& group = groups[kept[k]];
    if (group.needs != SIZE_MAX) keep(group.needs);
    if (!group.watches) continue;
    for (size_t i = 0; i < groups.size(); ++i) {
      if (!groups[i].watches && Overlap(group.span, groups[i].span)) keep(i);
    }
  }
  std::sort(kept.begin(), kept.end());
  return kept;
}

class Shrinker {
 public:
  Shrinker(const PartAnswer& part, absl::FunctionRef<bool(const std::vector<size_t>&)> fails)
      : groups_(part.groups), fails_(fails) {
    for (size_t i = 0; i < groups_.size(); ++i) {
      const bool blamed =
          std::any_of(groups_[i].records.begin(), groups_[i].records.end(), [&](uint32_t record) {
            return std::find(part.blamed.begin(), part.blamed.end(), record) != part.blamed.end();
          });
      if (blamed) blamed_.push_back(i);
    }
  }

  std::vector<size_t> Run() {
    std::vector<size_t> kept = Start();
    for (size_t chunk = kept.size() / 2; chunk > 0 && !kept.empty(); chunk /= 2) {
      for (size_t at = 0; at < kept.size();) {
        std::vector<size_t> fewer = kept;
        fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(at),
                    fewer.begin() + static_cast<std::ptrdiff_t>(std::min(at + chunk, kept.size())));
        if (Closure(groups_, fewer) == fewer && fails_(fewer)) {
          kept = std::move(fewer);
        } else {
          at += chunk;
        }
      }
    }
    return kept;
  }

 private:
  // The blamed groups, and more and more of those that are near.
  std::vector<size_t> Start() {
    std::vector<size_t> near(groups_.size());
    for (size_t i = 0; i < near.size(); ++i) near[i] = i;
    uint32_t center = 0;
    for (const size_t i : blamed_) center = std::max(center, groups_[i].span.call);
    const auto distance = [&](size_t i) {
      const Span span = groups_[i].span;
      return span.call > center ? span.call - center : span.ret < center ? center - span.ret : 0;
    };
    std::sort(near.begin(), near.end(), [&](size_t a, size_t b) {
      return distance(a) != distance(b) ? distance(a) < distance(b) : a < b;
    });
    for (size_t count = 0;; count = std::max<size_t>(8, count * 2)) {
      std::vector<size_t> kept = blamed_;
      for (size_t i = 0; i < std::min(count, near.size()); ++i) {
        // Watchers that are not blamed tie down what they saw; most often they do not matter.
        const bool is_blamed = std::find(blamed_.begin(), blamed_.end(), near[i]) != blamed_.end();
        if (!is_blamed && (!groups_[near[i]].watches || count >= near.size())) {
          kept.push_back(near[i]);
        }
      }
      kept = Closure(groups_, std::move(kept));
      if (!kept.empty() && fails_(kept)) return kept;
      if (count >= near.size()) return {};
    }
  }

  const std::vector<Group>& groups_;
  const absl::FunctionRef<bool(const std::vector<size_t>&)> fails_;
  std::vector<size_t> blamed_;
};

}  // namespace

History Keep(const Round& round, size_t race_begin, const std::vector<Group>& groups,
             const std::vector<size_t>& kept, uint32_t quiet) {
  const std::vector<Event>& events = round.history().events;
  std::set<uint32_t> keep;  // events from race_begin on
  std::set<int> disturbed;  // tasks whose signals and deaths matter
  bool sleeps = false;
  for (const size_t i : kept) {
    for (const uint32_t number : groups[i].records) {
      const CallRecord& r = round.records()[number];
      keep.insert(r.call_event);
      if (r.returned()) keep.insert(r.return_event);
      if (r.killed() || r.signal_event != kNever) disturbed.insert(r.task);
      sleeps |= !r.returned() && !r.killed();
    }
  }
  for (uint32_t i = static_cast<uint32_t>(race_begin); i < events.size(); ++i) {
    const Event& e = events[i];
    const bool about = e.kind == Event::Kind::kSignal || e.kind == Event::Kind::kExit;
    if (about && disturbed.contains(e.task)) keep.insert(i);
  }
  for (const CallRecord& r : round.records()) {
    if (r.call_event < race_begin) continue;
    const Call& call = round.CallOf(r);
    const auto* kill = std::get_if<Kill>(&call);
    const bool matters = kill != nullptr
                             ? disturbed.contains(static_cast<int>(kill->target.value))
                             : std::holds_alternative<Exit>(call) && disturbed.contains(r.task);
    if (!matters) continue;
    keep.insert(r.call_event);
    if (r.returned()) keep.insert(r.return_event);
  }

  History history{.dialect = round.history().dialect,
                  .events = {events.begin(), events.begin() + static_cast<int64_t>(race_begin)},
                  .race_begin = race_begin};
  const auto last = static_cast<uint32_t>(events.size() - 1);
  const uint32_t stays = quiet != kNever ? quiet : sleeps ? kNever : last;
  for (uint32_t i = static_cast<uint32_t>(race_begin); i < events.size(); ++i) {
    const bool is_quiet = events[i].kind == Event::Kind::kQuiet && i == stays;
    if (keep.contains(i) || is_quiet) history.events.push_back(events[i]);
  }
  return history;
}

std::vector<size_t> Shrink(const PartAnswer& part,
                           absl::FunctionRef<bool(const std::vector<size_t>&)> fails) {
  return Shrinker(part, fails).Run();
}

}  // namespace ipcspec
