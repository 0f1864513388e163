#include "impl/monitor/round.h"

#include <sys/wait.h>

#include <algorithm>
#include <csignal>

#include "impl/call/cat.h"
#include "impl/monitor/objects.h"

namespace ipcspec {

Round::Round(const History& history, size_t race_begin)
    : history_(history), oracle_(history.dialect), race_begin_(race_begin) {
  ExplainSetup(race_begin);
  if (setup_verdict_ != Verdict::kAllowed) return;
  if (oracle_.worlds().size() != 1) Obstruct("the calls before the race leave it open what is");
  for (size_t i = race_begin; i < history.events.size(); ++i) Follow(i, world(), true);
  CheckProcesses();
}

void Round::ExplainSetup(size_t race_begin) {
  const absl::Span<const Event> events = history_.events;
  for (size_t begin = 0; begin < race_begin;) {
    size_t end = begin;
    while (end < race_begin && events[end].kind != Event::Kind::kQuiet) ++end;
    end = std::min(end + 1, race_begin);
    // What a call means is told by the world before it.
    for (size_t i = begin; i < end; ++i) Follow(i, oracle_.world(), false);
    setup_verdict_ = oracle_.Explain(events.subspan(begin, end - begin));
    if (setup_verdict_ != Verdict::kAllowed) return;
    begin = end;
  }
  for (const auto& [task, open] : open_) {
    if (open.record != kNever) Obstruct("a call from before the race has not returned");
  }
}

void Round::Follow(size_t index, const World& world, bool racing) {
  const Event& event = history_.events[index];
  switch (event.kind) {
    case Event::Kind::kCall:
      OnCall(index, world, racing);
      break;
    case Event::Kind::kReturn: {
      Open& open = open_[event.task];
      open.last_return = TickOf(index);
      if (open.record == kNever) break;
      records_[open.record].return_event = static_cast<uint32_t>(index);
      records_[open.record].span.ret = TickOf(index);
      open.record = kNever;
      break;
    }
    case Event::Kind::kSignal:
      if (racing) OnSignal(event, index);
      break;
    case Event::Kind::kExit:
      OnExit(event, index);
      break;
    case Event::Kind::kKill:
      if (racing) Obstruct("the harness killed a task");
      break;
    case Event::Kind::kQuiet: {
      QuietMoment quiet{.event = static_cast<uint32_t>(index)};
      for (const auto& [task, open] : open_) {
        if (open.record == kNever) continue;
        quiet.asleep.push_back(open.record);
        // It has not taken effect by now.
        records_[open.record].span.call = TickOf(index) + 1;
      }
      if (!quiet.asleep.empty()) quiets_.push_back(std::move(quiet));
      break;
    }
  }
}

void Round::OnCall(size_t index, const World& world, bool racing) {
  const Event& event = history_.events[index];
  const auto number = static_cast<uint32_t>(records_.size());
  CallRecord record;
  record.call_event = static_cast<uint32_t>(index);
  record.task = event.task;
  record.span = {.call = TickOf(index), .ret = kNever};
  records_.push_back(record);
  open_[event.task].record = number;

  const Call& call = *event.call;
  if (const auto object = FindObject(world, event.task, call)) {
    parts_[*object].push_back(number);
  } else if (racing && (std::holds_alternative<Kill>(call) || std::holds_alternative<Exit>(call) ||
                        std::holds_alternative<Wait>(call))) {
    process_.push_back(number);
  } else if (racing && !IsIdle(call)) {
    Obstruct(Cat("no model for ", ipcspec::NameOf(call), " in a race"));
  }
}

void Round::OnSignal(const Event& event, size_t index) {
  handlers_[{event.task, event.number}].push_back(static_cast<uint32_t>(index));
  const uint32_t number = open_[event.task].record;
  if (number == kNever) return;
  CallRecord& record = records_[number];
  const Call& call = CallOf(record);
  const Task* task = world().FindTask(event.task);
  const bool restarts = task != nullptr &&
                        (task->signals.restarting & Signals::Bit(event.number)) != 0 &&
                        IsRestartable(call);
  if (!restarts || RestartIsUncertain(call)) {
    record.signal_event = std::min(record.signal_event, static_cast<uint32_t>(index));
  }
}

void Round::OnExit(const Event& event, size_t index) {
  Open& open = open_[event.task];
  Death death{.task = event.task,
              .event = static_cast<uint32_t>(index),
              .span = {.call = open.last_return, .ret = TickOf(index)}};
  if (open.record != kNever) {
    records_[open.record].exit_event = static_cast<uint32_t>(index);
    records_[open.record].span.ret = TickOf(index);
    open.record = kNever;
  }
  deaths_.push_back(death);
}

// Kills, handlers and deaths: what is not plainly in order is left to the exact oracle.
void Round::CheckProcesses() {
  std::map<std::pair<int, int>, bool> checked;
  for (const uint32_t number : process_) {
    const CallRecord& record = records_[number];
    const Call& call = CallOf(record);
    if (record.returned() && !OutcomeOf(record).ok()) {
      return Obstruct(Cat(NameOf(number), " failed"));
    }
    if (const auto* kill = std::get_if<Kill>(&call)) {
      const int target = static_cast<int>(kill->target.value), signal = kill->signal.number;
      const Task* task = world().FindTask(target);
      if (task == nullptr || signal < 1 || signal > 64 || !record.returned() ||
          OutcomeOf(record) != Returns(0)) {
        return Obstruct(Cat(NameOf(number), " is not a plain kill"));
      }
      if ((task->signals.blocked & Signals::Bit(signal)) != 0 && signal != SIGKILL) {
        return Obstruct("a blocked signal was sent");
      }
      if (!checked.emplace(std::pair(target, signal), true).second) continue;
      CheckSignals(target, signal);
    } else if (const auto* wait = std::get_if<Wait>(&call)) {
      const auto death = std::find_if(deaths_.begin(), deaths_.end(),
                                      [&](const Death& d) { return d.task == wait->target.value; });
      if (death == deaths_.end() || !record.returned() || OutcomeOf(record).ret != death->task ||
          OutcomeOf(record).values.size() != 1) {
        return Obstruct(Cat(NameOf(number), " is not a plain wait"));
      }
      const int status = history_.events[death->event].number;
      if (status >= 0 && OutcomeOf(record).values[0] != status) {
        return Obstruct(Cat(NameOf(number), " saw another status than was seen"));
      }
      death->span.ret = std::min(death->span.ret, record.span.ret);
    }
  }
  for (const auto& [key, events] : handlers_) {
    if (!checked.contains(key)) return Obstruct("a handler ran for a signal that no kill() sent");
  }
  for (Death& death : deaths_) {
    if (death.event < race_begin_) continue;
    const int told = history_.events[death.event].number;  // -1: nobody could tell
    const int status = told & ~0x80;
    uint32_t cause = kNever;
    for (const uint32_t number : process_) {
      const CallRecord& record = records_[number];
      const auto* exit = std::get_if<Exit>(&CallOf(record));
      const auto* kill = std::get_if<Kill>(&CallOf(record));
      const bool fits =
          exit != nullptr
              ? record.task == death.task &&
                    (told < 0 || status == W_EXITCODE(static_cast<int>(exit->status & 0xff), 0))
              : kill != nullptr && kill->target.value == death.task &&
                    (told < 0 || status == kill->signal.number);
      if (fits) cause = std::min(cause, TickOf(record.call_event));
    }
    if (cause > death.span.ret) return Obstruct(Cat("t", death.task, " ended without a reason"));
    death.span.call = std::max(death.span.call, cause);
    const Task* task = world().FindTask(death.task);
    const Task* parent = task == nullptr ? nullptr : world().FindTask(task->parent);
    constexpr int kChild = SIGCHLD;
    if (parent != nullptr &&
        ((parent->signals.handled | parent->signals.ignored) & Signals::Bit(kChild)) != 0) {
      return Obstruct("a parent minds that its child ended");
    }
  }
}

// Each handler needs a kill since the handler before it, and each kill a handler after it.
void Round::CheckSignals(int target, int signal) {
  const Signals& signals = world().FindTask(target)->signals;
  const auto death = std::find_if(deaths_.begin(), deaths_.end(),
                                  [&](const Death& d) { return d.task == target; });
  if (signals.Ignores(signal) && signal != SIGKILL) return;
  if ((signals.handled & Signals::Bit(signal)) == 0) {
    if (death == deaths_.end()) Obstruct(Cat("t", target, " outlived a kill"));
    return;
  }
  std::vector<Span> kills;
  for (const uint32_t number : process_) {
    const auto* kill = std::get_if<Kill>(&CallOf(records_[number]));
    if (kill != nullptr && kill->target.value == target && kill->signal.number == signal) {
      kills.push_back(records_[number].span);
    }
  }
  std::sort(kills.begin(), kills.end(), [](Span a, Span b) { return a.ret < b.ret; });
  const std::vector<uint32_t>& handlers = handlers_[{target, signal}];
  uint32_t before = 0;
  for (const uint32_t event : handlers) {
    const auto cause = std::find_if(kills.begin(), kills.end(), [&](Span kill) {
      return kill.ret > before && kill.call < TickOf(event);
    });
    if (cause == kills.end()) return Obstruct(Cat("a handler of t", target, " ran too often"));
    kills.erase(cause);
    before = TickOf(event);
  }
  if (death != deaths_.end()) return;  // it may have ended before it could run a handler
  for (const Span kill : kills) {
    if (kill.call >= before) {
      return Obstruct(Cat("a handler of t", target, " did not run"));
    }
  }
}

std::string Round::NameOf(uint32_t record) const {
  const Event& event = history_.events[records_[record].call_event];
  return Cat(ipcspec::NameOf(*event.call), " of t", event.task, " (step ", event.label, ")");
}

uint32_t Round::TickOfDeadline(const CallRecord& r, int64_t timeout_ns) const {
  const auto begin = history_.events.begin() + r.call_event;
  const int64_t deadline = begin->time_ns + timeout_ns;
  const auto end = history_.events.begin() + r.return_event + 1;
  const auto at = std::lower_bound(begin + 1, end, deadline,
                                   [](const Event& e, int64_t time) { return e.time_ns < time; });
  return at == end ? kNever : TickBefore(static_cast<size_t>(at - history_.events.begin()));
}

bool Round::Overslept(const CallRecord& r, uint32_t quiet_event, int64_t timeout_ns) const {
  if (timeout_ns == Nanos::kForever) return false;
  const int64_t slept =
      history_.events[quiet_event].time_ns - history_.events[r.call_event].time_ns;
  return slept - timeout_ns > kOverrun;
}

}  // namespace ipcspec
