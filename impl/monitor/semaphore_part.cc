// Semaphores of a round, System V sets and POSIX ones, as SemaphoreModel. Their values when the
// race begins are those of the reference's world.
#include <sys/ipc.h>
#include <sys/sem.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <string_view>
#include <utility>

#include "impl/call/cat.h"
#include "impl/monitor/access.h"
#include "impl/monitor/part.h"
#include "impl/monitor/semaphore_model.h"
#include "impl/monitor/semaphore_sweep.h"

namespace ipcspec {
namespace {

using Op = SemaphoreOperation;

class SemaphorePart : PartReader {
 public:
  SemaphorePart(const Round& round, const ObjectName& object, absl::Span<const uint32_t> records)
      : PartReader(round, object, records) {}

  PartAnswer Check(const Effort& effort) {
    object_.kind == ObjectName::kSysvSem ? FindSet() : FindOne();
    model_.tasks = static_cast<uint32_t>(round_.world().tasks->size());
    model_.initial_adjustments.resize(model_.tasks * model_.initial.size());
    for (const uint32_t record : records_) {
      if (!failed_ && !pattern_) Translate(record);
    }
    if (failed_) return CannotSay(*failed_);
    PartAnswer answer;
    if (pattern_) {
      answer = Impossible();
    } else {
      AddExits();
      AddQuietMoments();
      if (failed_) return CannotSay(*failed_);
      answer = Decide(model_, effort, round_, SweepSemaphores);
    }
    if (answer.answer == Answer::kImpossible) {
      answer.groups = Groups(answer);
      answer.blame_must_stay = true;
    }
    return answer;
  }

 private:
  void FindSet() {
    const World& world = round_.world();
    const IpcNamespace& ipc = *world.namespaces->Find(static_cast<int>(object_.where));
    stat_ = AskFreely(world, ipc, *ipc.sems, SemStat{.id = object_.number});
    if (!stat_.ok()) return GiveUp("a call names a semaphore set that is not there");
    const Outcome all = AskFreely(world, ipc, *ipc.sems, SemGetAll{.id = object_.number});
    model_.initial.assign(all.values.begin(), all.values.end());
  }

  void FindOne() {
    const auto& semaphores =
        round_.world().memory->Find(static_cast<int>(object_.where))->semaphores;
    const auto found = semaphores.find(object_.number);
    if (found == semaphores.end() || !found->second.shared) {
      return GiveUp("a call names a semaphore that is not there");
    }
    model_.initial = {found->second.value};
    model_.most = PosixSem::kMaxValue;
  }

  // The number of the task's list of adjustments.
  uint32_t ListOf(int task) {
    const int list = round_.world().GetTask(task).undo_list;
    return lists_.emplace(list, static_cast<uint32_t>(lists_.size())).first->second;
  }

  void Translate(uint32_t record) {
    const CallRecord& r = round_.records()[record];
    if (r.call_event < round_.race_begin()) return TranslateSetup(r);
    const Task* task = round_.world().FindTask(r.task);
    if (task == nullptr) return GiveUp("a task is not known");
    const bool is_set = object_.kind == ObjectName::kSysvSem;
    if (is_set && !MayUse(round_.world(), r.task, stat_, 0600)) {
      return GiveUp(Cat(round_.NameOf(record), " may not be permitted"));
    }
    Op op;
    op.span = r.span;
    op.source = record;
    op.optional = r.killed();
    op.task = ListOf(r.task);
    op.array = static_cast<uint32_t>(model_.elements.size());
    std::visit([&](const auto& c) { Add(op, c); },
               static_cast<const CallVariant&>(round_.CallOf(r)));
  }

  // Adjustments are not to be seen in the world: they follow from what was done.
  void TranslateSetup(const CallRecord& r) {
    if (!r.returned() || !round_.OutcomeOf(r).ok()) return;
    const Call& call = round_.CallOf(r);
    const size_t width = model_.initial.size();
    const auto* set = std::get_if<SemSetVal>(&call);
    for (size_t i = 0; i < model_.initial_adjustments.size(); ++i) {
      const bool forgotten = set != nullptr ? static_cast<int64_t>(i % width) == set->num
                                            : std::holds_alternative<SemSetAll>(call);
      if (forgotten) model_.initial_adjustments[i] = 0;
    }
    const auto* semop = std::get_if<Semop>(&call);
    if (semop == nullptr) return;
    for (const Sembuf& e : semop->ops) {
      if (!e.flags.has(SEM_UNDO)) continue;
      if (round_.world().FindTask(r.task) == nullptr || !round_.world().GetTask(r.task).alive()) {
        return GiveUp("a task with adjustments ended before the race");
      }
      const auto place = ListOf(r.task) * model_.initial.size() + static_cast<uint64_t>(e.num);
      model_.initial_adjustments[place] -= e.op;
      adjusts_ = true;
    }
  }

  template <class C>
  void Add(const Op&, const C&) {
    GiveUp(Cat("no model for ", C::kName, " on a semaphore"));
  }

  void Add(Op op, const Semop& call) {
    const auto limit = static_cast<size_t>(round_.world().dialect->semopm);
    if (call.memory == Memory::kBad || call.ops.empty() || call.ops.size() > limit) {
      return GiveUp(Cat(round_.NameOf(op.source), " is not in order"));
    }
    std::vector<SemaphoreElement> array;
    for (const Sembuf& e : call.ops) {
      if (e.num < 0 || e.num >= static_cast<int64_t>(model_.initial.size()) ||
          std::abs(e.op) > SysvSem::kMaxValue) {
        return GiveUp(Cat(round_.NameOf(op.source), " is not in order"));
      }
      array.push_back({.counter = static_cast<uint32_t>(e.num),
                       .amount = static_cast<int32_t>(e.op),
                       .nowait = e.flags.has(IPC_NOWAIT),
                       .undo = e.flags.has(SEM_UNDO)});
      adjusts_ |= e.flags.has(SEM_UNDO);
    }
    AddChange(op, array, call.timeout.ns, EAGAIN);
  }
  void Add(Op op, const PsemPost&) { AddChange(op, {{.amount = 1}}, Nanos::kForever, 0); }
  void Add(Op op, const PsemTryWait&) {
    AddChange(op, {{.amount = -1, .nowait = true}}, Nanos::kForever, 0);
  }
  void Add(Op op, const PsemWait& call) {
    if (call.bad_time || call.clock == Clock::kBad) return GiveUp("a malformed time");
    AddChange(op, {{.amount = -1}}, call.timeout.ns, ETIMEDOUT);
  }

  void Add(Op op, const SemGetVal& call) { AddRead(op, call.num, 1, /*in_values=*/false); }
  void Add(Op op, const SemGetAll& call) {
    if (call.memory == Memory::kBad) return GiveUp("a bad address");
    AddRead(op, 0, static_cast<int64_t>(model_.initial.size()), /*in_values=*/true);
  }
  void Add(Op op, const PsemGetValue&) { AddRead(op, 0, 1, /*in_values=*/true); }
  void Add(Op op, const SemSetVal& call) { AddSet(op, call.num, {call.value}); }
  void Add(Op op, const SemSetAll& call) {
    if (call.memory == Memory::kBad || call.all.size() != model_.initial.size()) {
      return GiveUp(Cat(round_.NameOf(op.source), " is not in order"));
    }
    AddSet(op, 0, call.all);
  }

  void Push(Op op, const std::vector<SemaphoreElement>& array) {
    op.array = static_cast<uint32_t>(model_.elements.size());
    op.length = static_cast<uint32_t>(array.size());
    model_.elements.insert(model_.elements.end(), array.begin(), array.end());
    bool undoes = op.kind == Op::kExit;
    for (const SemaphoreElement& e : array) undoes |= e.undo;
    // Where there are no adjustments it does not matter who does it.
    std::vector<int64_t> shape = {op.kind, undoes ? op.task : -1};
    for (const SemaphoreElement& e : array) {
      shape.insert(shape.end(), {e.counter, e.amount, e.nowait, e.undo});
    }
    op.alike =
        shapes_.emplace(std::move(shape), static_cast<uint32_t>(shapes_.size())).first->second;
    model_.operations.push_back(op);
  }

  void AddChange(Op op, const std::vector<SemaphoreElement>& array, int64_t timeout,
                 int timed_out) {
    const CallRecord& r = round_.records()[op.source];
    const size_t refusing = static_cast<size_t>(std::count_if(
        array.begin(), array.end(), [](const SemaphoreElement& e) { return e.nowait; }));
    sleepers_[op.source] = {array, timeout};
    if (!r.returned() && !r.killed()) return;  // it sleeps
    op.kind = Op::kChange;
    if (r.killed()) return Push(op, array);
    const Outcome& outcome = round_.OutcomeOf(r);
    if (outcome == Returns(0)) return Push(op, array);
    const bool mixed = refusing != 0 && refusing != array.size();
    if (outcome.error == EAGAIN && refusing == array.size()) {
      op.kind = Op::kRefused;
      return Push(op, array);
    }
    if (outcome.error == EAGAIN && mixed && timeout == Nanos::kForever) {
      op.kind = Op::kRefused;
      return Push(op, array);
    }
    if (mixed || outcome.error == ERANGE || outcome.error == EOVERFLOW) {
      return GiveUp(Cat("no model for how ", round_.NameOf(op.source), " failed"));
    }
    op.kind = Op::kTimedOut;
    if (outcome.error == EINTR && refusing == 0) {
      if (r.signal_event == kNever) return Unexplained(op.source, " returned EINTR without signal");
      op.span.call = std::max(op.span.call, TickOf(r.signal_event));
      return Push(op, array);
    }
    if (outcome.error != 0 && outcome.error == timed_out && timeout != Nanos::kForever) {
      const int64_t early =
          object_.kind == ObjectName::kSysvSem ? SysvSem::MostEarly(round_.history().dialect) : 0;
      const uint32_t tick = round_.TickOfDeadline(r, timeout - early);
      if (tick == kNever) return Unexplained(op.source, " timed out too early");
      op.span.call = std::max(op.span.call, tick);
      return Push(op, array);
    }
    Unexplained(op.source, " returned what nothing explains");
  }

  void AddRead(Op op, int64_t first, int64_t count, bool in_values) {
    const CallRecord& r = round_.records()[op.source];
    if (first < 0 || first + count > static_cast<int64_t>(model_.initial.size())) {
      return GiveUp("a semaphore that is not there");
    }
    if (r.killed()) return;
    if (!r.returned() || !round_.OutcomeOf(r).ok()) {
      return Unexplained(op.source, " did not return a value");
    }
    const Outcome& outcome = round_.OutcomeOf(r);
    const auto values = static_cast<int64_t>(outcome.values.size());
    if (values != (in_values ? count : 0) || (in_values && outcome.ret != 0) ||
        !outcome.data.empty()) {
      return Unexplained(op.source, " returned what nothing explains");
    }
    op.kind = Op::kRead;
    std::vector<SemaphoreElement> seen;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t value = in_values ? outcome.values[static_cast<size_t>(i)] : outcome.ret;
      if (value < 0 || value > model_.most) return Unexplained(op.source, " saw no value");
      seen.push_back(
          {.counter = static_cast<uint32_t>(first + i), .amount = static_cast<int32_t>(value)});
    }
    Push(op, seen);
  }

  void AddSet(Op op, int64_t first, const std::vector<int64_t>& values) {
    const CallRecord& r = round_.records()[op.source];
    const bool there = first >= 0 && first + static_cast<int64_t>(values.size()) <=
                                         static_cast<int64_t>(model_.initial.size());
    std::vector<SemaphoreElement> set;
    for (const int64_t value : values) {
      if (!there || value < 0 || value > model_.most) {
        return GiveUp(Cat(round_.NameOf(op.source), " is not in order"));
      }
      set.push_back({.counter = static_cast<uint32_t>(first + static_cast<int64_t>(set.size())),
                     .amount = static_cast<int32_t>(value)});
    }
    if (!r.killed() && (!r.returned() || round_.OutcomeOf(r) != Returns(0))) {
      return Unexplained(op.source, " returned what nothing explains");
    }
    op.kind = Op::kSet;
    Push(op, set);
  }

  void AddExits() {
    for (const Death& death : round_.deaths()) {
      if (death.event < round_.race_begin()) continue;
      const Task* task = round_.world().FindTask(death.task);
      if (task == nullptr || !lists_.contains(task->undo_list)) continue;
      int users = 0;
      for (const auto& [number, other] : *round_.world().tasks) {
        users += other->alive() && other->undo_list == task->undo_list;
      }
      if (!adjusts_) continue;
      if (users != 1) return GiveUp("tasks share their adjustments");
      Op op;
      op.kind = Op::kExit;
      op.span = death.span;
      op.task = ListOf(death.task);
      op.source = LastOf(death.task);
      Push(op, {});
    }
  }

  // The last record of the task that is about this object: it has one.
  uint32_t LastOf(int task) const {
    uint32_t last = records_.front();
    for (const uint32_t record : records_) {
      if (round_.records()[record].task == task) last = record;
    }
    return last;
  }

  void AddQuietMoments() {
    std::map<uint32_t, bool> slept;
    for (const QuietMoment& quiet : round_.quiets()) {
      if (quiet.event < round_.race_begin()) continue;
      Op op;
      op.kind = Op::kQuiet;
      op.span = {.call = TickOf(quiet.event), .ret = TickOf(quiet.event)};
      op.task = quiet.event;
      const auto first = static_cast<uint32_t>(model_.sleepers.size());
      for (const uint32_t record : quiet.asleep) {
        const auto found = sleepers_.find(record);
        if (found == sleepers_.end()) continue;
        const CallRecord& r = round_.records()[record];
        SemaphoreSleeper sleeper;
        sleeper.array = static_cast<uint32_t>(model_.elements.size());
        sleeper.length = static_cast<uint32_t>(found->second.array.size());
        sleeper.slept = std::exchange(slept[record], true);
        sleeper.restless = round_.Overslept(r, quiet.event, found->second.timeout);
        model_.elements.insert(model_.elements.end(), found->second.array.begin(),
                               found->second.array.end());
        model_.sleepers.push_back(sleeper);
        op.source = record;
      }
      op.array = first;
      op.length = static_cast<uint32_t>(model_.sleepers.size()) - first;
      if (op.length > 0) model_.operations.push_back(op);
    }
  }

  // Gives and takes of one unit are paired in order, so that leaving out a pair does not change
  // what was there before and after. What is blamed holds the pairs that overlap it.
  std::vector<Group> Groups(const PartAnswer& answer) const {
    std::vector<Group> groups;
    const auto is_blamed = [&](uint32_t record) {
      return std::find(answer.blamed.begin(), answer.blamed.end(), record) != answer.blamed.end();
    };
    struct Unit {
      uint32_t tick, record;
      bool operator<(const Unit& other) const { return tick < other.tick; }
    };
    std::map<std::pair<uint32_t, int32_t>, std::pair<std::vector<Unit>, std::vector<Unit>>> units;
    for (const uint32_t record : records_) {
      const CallRecord& r = round_.records()[record];
      if (r.call_event < round_.race_begin()) continue;
      const auto found = sleepers_.find(record);
      const bool single = found != sleepers_.end() && found->second.array.size() == 1 &&
                          !found->second.array[0].undo && found->second.array[0].amount != 0 &&
                          r.returned() && round_.OutcomeOf(r).ok();
      if (!single || is_blamed(record)) {
        groups.push_back({.records = {record}, .span = r.span, .watches = is_blamed(record)});
        continue;
      }
      const SemaphoreElement& e = found->second.array[0];
      auto& [gives, takes] = units[{e.counter, std::abs(e.amount)}];
      (e.amount > 0 ? gives : takes).push_back({e.amount > 0 ? r.span.call : r.span.ret, record});
    }
    for (auto& [key, both] : units) {
      auto& [gives, takes] = both;
      std::sort(gives.begin(), gives.end());
      std::sort(takes.begin(), takes.end());
      for (size_t i = 0; i < std::max(gives.size(), takes.size()); ++i) {
        Group group{.records = {}, .span = {.call = kNever, .ret = 0}};
        for (const auto* side : {&gives, &takes}) {
          if (i >= side->size()) continue;
          const uint32_t record = (*side)[i].record;
          const Span span = round_.records()[record].span;
          group.records.push_back(record);
          group.span.call = std::min(group.span.call, span.call);
          group.span.ret = std::max(group.span.ret, span.ret);
        }
        groups.push_back(std::move(group));
      }
    }
    return groups;
  }

  struct Sleeping {
    std::vector<SemaphoreElement> array;
    int64_t timeout = Nanos::kForever;
  };

  Outcome stat_;
  SemaphoreModel model_;
  bool adjusts_ = false;
  std::map<int, uint32_t> lists_;  // of adjustments, as the model counts them
  std::map<std::vector<int64_t>, uint32_t> shapes_;
  std::map<uint32_t, Sleeping> sleepers_;  // records that may sleep
};

}  // namespace

PartAnswer CheckSemaphores(const Round& round, const ObjectName& object,
                           absl::Span<const uint32_t> records, const Effort& effort) {
  return SemaphorePart(round, object, records).Check(effort);
}

}  // namespace ipcspec
