#include "impl/oracle/excerpt.h"

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "impl/oracle/likeness.h"
#include "impl/oracle/oracle.h"
#include "impl/oracle/trail.h"

namespace ipcspec {
namespace {

// With one call so many are left out that cannot be without it.
constexpr int kMostFollowers = 12;

// The data that a call brought, or gave; empty: none.
std::string_view DataOf(const Event& event) {
  if (event.kind == Event::Kind::kReturn) return event.outcome.data;
  if (event.kind != Event::Kind::kCall) return {};
  return std::visit(
      []<class C>(const C& call) -> std::string_view {
        if constexpr (requires { call.data.text; }) return call.data.text;
        return {};
      },
      static_cast<const CallVariant&>(*event.call));
}

// Whether the data came from, or went, the same way: a message, or bytes of a stream.
bool AreRelated(std::string_view a, std::string_view b) {
  constexpr size_t kTelling = 8;
  if (a.empty() || b.empty()) return false;
  if (a.size() > b.size()) std::swap(a, b);
  return a == b || (a.size() >= kTelling && b.find(a) != b.npos);
}

class Excerpter {
 public:
  explicit Excerpter(const History& history)
      : tracker_(&history.dialect), fixed_(history.race_begin.value_or(0)) {
    whole_.events = history.events;
  }

  std::vector<Event> Run() {
    whole_.failing = tracker_.FirstWrong(whole_, 0);
    if (whole_.failing == kNone) return whole_.events;
    CutOff();
    if (!tracker_.Follow(0, whole_)) return whole_.events;
    LeaveOutWhatTellsUses();
    for (bool fewer = true; fewer;) {
      fewer = LeaveOutTimes();
      fewer |= LeaveOutChains();
      fewer |= LeaveOutPairs();
    }
    return whole_.events;
  }

 private:
  // Indices of events that are left out together, in ascending order.
  using Unit = std::vector<size_t>;

  static constexpr size_t kNone = SIZE_MAX;

  // What came of leaving something out: it is done, or an event of the rest cannot be without it,
  // or neither.
  struct Tried {
    bool done = false;
    size_t lacks = kNone;
  };

  // Calls that are made after the event that is not explained cannot explain it. How earlier ones
  // end stays: the search looks ahead.
  void CutOff() {
    const size_t failing = whole_.failing;
    std::map<int, bool> late;  // by task: it has made such a call
    std::vector<Event> events;
    for (size_t i = 0; i < BatchEnd(whole_.events, failing); ++i) {
      const Event& event = whole_.events[i];
      if (i > failing && event.kind == Event::Kind::kCall) late[event.task] = true;
      const bool ends = event.kind == Event::Kind::kSignal || event.kind == Event::Kind::kExit ||
                        (event.kind == Event::Kind::kReturn && !late[event.task]);
      if (i <= failing || ends) events.push_back(event);
    }
    whole_.events = std::move(events);
  }

  // What may be left out: a call with its return, and with the handlers that it made run, if it is
  // a kill; another handler.
  std::vector<Unit> Units() const {
    std::vector<Unit> units;
    std::map<int, size_t> open;                  // by task: the unit of its call
    std::map<std::pair<int, int>, size_t> sent;  // by task and signal: the unit that sent it
    for (size_t i = 0; i < whole_.failing; ++i) {
      const Event& event = whole_.events[i];
      switch (event.kind) {
        case Event::Kind::kCall:
          open[event.task] = units.size();
          if (const auto* kill = std::get_if<Kill>(event.call.get())) {
            sent[{static_cast<int>(kill->target.value), kill->signal.number}] = units.size();
          }
          units.push_back({i});
          break;
        case Event::Kind::kReturn:
          units[open[event.task]].push_back(i);
          break;
        case Event::Kind::kSignal:
          if (const auto at = sent.find({event.task, event.number}); at != sent.end()) {
            units[at->second].push_back(i);
          } else {
            units.push_back({i});
          }
          break;
        case Event::Kind::kKill:
        case Event::Kind::kExit:
        case Event::Kind::kQuiet:
          break;
      }
    }
    // What has not returned may have had its effect, or not. And where data are wrong, it is good
    // to see where else they were.
    const std::string_view wrong = DataOf(whole_.events[whole_.failing]);
    std::erase_if(units, [&](const Unit& unit) {
      const bool is_call = whole_.events[unit.front()].kind == Event::Kind::kCall;
      return unit.front() < fixed_ || (is_call && unit.size() == 1) ||
             std::any_of(unit.begin(), unit.end(), [&](size_t event) {
               return AreRelated(DataOf(whole_.events[event]), wrong);
             });
    });
    return units;
  }

  // Leaves the units out if that is sound and the rest is not explained still.
  Tried LeaveOut(const std::vector<Unit>& units) {
    if (tracker_.spent()) return {};
    std::vector<char> is_out(whole_.events.size());
    size_t first = whole_.events.size(), last = 0;
    for (const Unit& unit : units) {
      first = std::min(first, unit.front());
      last = std::max(last, unit.back());
      for (const size_t i : unit) is_out[i] = 1;
    }
    const size_t begin = BatchBegin(whole_.events, first);
    // What was quiet before is quiet still.
    bool is_quiet = begin > 0 && begin >= fixed_;
    for (size_t i = begin; i < whole_.failing; ++i) {
      if (is_out[i] != 0) continue;
      const bool quiet = whole_.events[i].kind == Event::Kind::kQuiet;
      if (quiet && is_quiet) is_out[i] = 1;
      is_quiet = quiet;
    }

    Trail part;
    part.after.assign(whole_.after.begin(),
                      whole_.after.begin() + static_cast<std::ptrdiff_t>(begin));
    std::vector<size_t> places;  // in the whole, of the part's events
    for (size_t i = 0; i < whole_.events.size(); ++i) {
      if (is_out[i] != 0) continue;
      part.events.push_back(whole_.events[i]);
      places.push_back(i);
    }
    // How many events of the part are among the first `count` of the whole.
    const auto left_of = [&](size_t count) {
      return static_cast<size_t>(std::lower_bound(places.begin(), places.end(), count) -
                                 places.begin());
    };

    part.failing = left_of(whole_.failing);
    if (!tracker_.Follow(begin, part)) return {};
    // Where all is over that was left out.
    const size_t over =
        BatchEnd(whole_.events, last) <= whole_.failing ? BatchEnd(whole_.events, last) : last + 1;
    if (part.after.size() < left_of(over)) return {.lacks = places[part.after.size()]};
    if (part.after.size() < part.failing) return {};
    // There or later, as what is left of it may fade: a word of memory is overwritten, a call that
    // a signal disturbed returns.
    bool covered = false;
    for (size_t at = over; !covered; at = std::min(BatchEnd(whole_.events, at), whole_.failing)) {
      covered = tracker_.Covers(part, left_of(at), whole_, at);
      if (at == whole_.failing) break;
    }
    if (!covered) return {};
    const size_t last_batch = BatchBegin(part.events, part.failing);
    if (tracker_.FirstWrong(part, last_batch) != part.failing) return {};
    whole_ = std::move(part);
    return {.done = true};
  }

  // First, as what they tell would have to stay.
  void LeaveOutWhatTellsUses() {
    std::vector<Unit> units = Units();
    std::erase_if(units, [&](const Unit& unit) {
      const Event& event = whole_.events[unit.front()];
      return event.kind != Event::Kind::kCall || !TellsUses(*event.call);
    });
    if (!units.empty()) LeaveOut(units);
  }

  // All calls between two quiet events, long times first.
  bool LeaveOutTimes() {
    bool any = false;
    for (size_t length = Quiets().size(); length > 0; --length) {
      std::vector<size_t> quiets = Quiets();
      for (size_t i = 0; i + length < quiets.size() && !tracker_.spent();) {
        std::vector<Unit> units = Units();
        std::erase_if(units, [&](const Unit& unit) {
          return unit.front() < quiets[i] || unit.back() > quiets[i + length];
        });
        if (!units.empty() && LeaveOut(units).done) {
          any = true;
          quiets = Quiets();
        } else {
          ++i;
        }
      }
    }
    return any;
  }

  // The quiet events, and where what may be left out begins.
  std::vector<size_t> Quiets() const {
    std::vector<size_t> quiets = {fixed_};
    for (size_t i = fixed_; i < whole_.failing; ++i) {
      if (whole_.events[i].kind == Event::Kind::kQuiet) quiets.push_back(i);
    }
    return quiets;
  }

  // Each unit, with those that cannot be without it.
  bool LeaveOutChains() {
    bool any = false;
    std::vector<Unit> units = Units();
    for (size_t i = 0; i < units.size() && !tracker_.spent();) {
      if (LeaveOutChain(units, i)) {
        any = true;
        units = Units();
      } else {
        ++i;
      }
    }
    return any;
  }

  bool LeaveOutChain(const std::vector<Unit>& units, size_t first) {
    std::vector<Unit> chain = {units[first]};
    for (int followers = 0; followers <= kMostFollowers; ++followers) {
      const Tried tried = LeaveOut(chain);
      if (tried.done) return true;
      const auto next = std::find_if(units.begin(), units.end(), [&](const Unit& unit) {
        return std::binary_search(unit.begin(), unit.end(), tried.lacks);
      });
      if (next == units.end()) return false;
      chain.push_back(*next);
    }
    return false;
  }

  bool LeaveOutPairs() {
    bool any = false;
    std::vector<Unit> units = Units();
    for (size_t i = 0; i < units.size(); ++i) {
      for (size_t k = i + 1; k < units.size() && !tracker_.spent();) {
        if (LeaveOut({units[i], units[k]}).done) {
          any = true;
          units = Units();
          k = i + 1;  // another is at this place now
        } else {
          ++k;
        }
      }
    }
    return any;
  }

  Tracker tracker_;
  const size_t fixed_;  // so many events stay
  Trail whole_;         // what is left so far
};

}  // namespace

History ExcerptOf(const History& history, std::string* story, Blame* blame) {
  History excerpt{.dialect = history.dialect,
                  .events = Excerpter(history).Run(),
                  .race_begin = history.race_begin};
  std::string told;
  Blame blamed;
  if (excerpt.events.size() == history.events.size() ||
      ExplainHistory(excerpt, &told, &blamed) != Verdict::kForbidden) {
    return history;
  }
  if (story != nullptr) *story = std::move(told);
  if (blame != nullptr) *blame = blamed;
  return excerpt;
}

}  // namespace ipcspec
