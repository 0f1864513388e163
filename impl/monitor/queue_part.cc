// Message queues of a round, System V and POSIX, as QueueModel.
#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/msg.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "impl/call/cat.h"
#include "impl/monitor/access.h"
#include "impl/monitor/part.h"
#include "impl/monitor/queue_model.h"
#include "impl/monitor/queue_sweep.h"

namespace ipcspec {
namespace {

using Op = QueueOperation;

class QueuePart : PartReader {
 public:
  QueuePart(const Round& round, const ObjectName& object, absl::Span<const uint32_t> records)
      : PartReader(round, object, records) {}

  PartAnswer Check(const Effort& effort) {
    SetLimits();
    model_.operations.reserve(records_.size());
    details_.reserve(records_.size());
    for (const uint32_t record : records_) {
      if (!failed_ && !pattern_) Translate(record);
    }
    if (!failed_) AddQuietMoments();
    if (failed_) return CannotSay(*failed_);
    if (!pattern_) {
      SetRanks();
      Match();
      if (failed_) return CannotSay(*failed_);
    }
    PartAnswer answer;
    if (pattern_) {
      answer = Impossible();
    } else {
      answer = Decide(model_, effort, round_, SweepQueue);
    }
    if (answer.answer == Answer::kImpossible) answer.groups = Groups(answer.quiet);
    return answer;
  }

 private:
  // What an operation of the model does not hold.
  struct Detail {
    int64_t type = 0;                   // of a message to send, or msgtyp; the priority
    const std::string* text = nullptr;  // of the message
    int64_t received = 0;               // the type or priority of a message that was received
  };
  using Message = std::pair<int64_t, std::string_view>;

  void SetLimits() {
    const World& world = round_.world();
    if (object_.kind == ObjectName::kSysvQueue) {
      const IpcNamespace& ipc = *world.namespaces->Find(static_cast<int>(object_.where));
      stat_ = AskFreely(world, ipc, *ipc.msgs, MsgStat{.id = object_.number});
      if (!stat_.ok()) return GiveUp("a call names a queue that is not there");
      model_.most_messages = model_.most_bytes = stat_.values[8];
      return;
    }
    const auto* queue = world.namespaces->Find(static_cast<int>(object_.where))
                            ->queues->Find(static_cast<int>(object_.number));
    if (queue == nullptr) return GiveUp("a call names a queue that is not there");
    if (queue->registered.task >= 0) return GiveUp("a task is to be told of messages");
    model_.most_messages = queue->maxmsg;
    model_.most_bytes = INT64_MAX / 2;
    msgsize_ = queue->msgsize;
  }

  void Translate(uint32_t record) {
    const CallRecord& r = round_.records()[record];
    if (round_.world().FindTask(r.task) == nullptr) return GiveUp("a task is not known");
    const Call& call = round_.CallOf(r);
    if (const auto* send = std::get_if<Msgsnd>(&call)) return Add(record, *send);
    if (const auto* receive = std::get_if<Msgrcv>(&call)) return Add(record, *receive);
    if (const auto* send = std::get_if<MqSend>(&call)) return Add(record, *send);
    if (const auto* receive = std::get_if<MqReceive>(&call)) return Add(record, *receive);
    GiveUp(Cat("no model for ", NameOf(call), " on a queue"));
  }

  void Add(uint32_t record, const Msgsnd& call) {
    const int64_t size =
        call.size == Msgsnd::kAll ? static_cast<int64_t>(call.data.text.size()) : call.size;
    const int64_t most = round_.world()
                             .namespaces->Find(static_cast<int>(object_.where))
                             ->limits.Get(Limit::kMsgmax);
    if (call.memory == Memory::kBad || call.type < 1 || size > most ||
        size != static_cast<int64_t>(call.data.text.size()) ||
        !MayUse(round_.world(), round_.records()[record].task, stat_, 0200)) {
      return GiveUp(Cat(round_.NameOf(record), " is not in order"));
    }
    Op op = New(record);
    op.size = static_cast<uint32_t>(size);
    const Detail detail{.type = call.type, .text = &call.data.text};
    AddSend(op, detail, call.flags.has(IPC_NOWAIT), Nanos::kForever, /*late=*/true);
  }

  void Add(uint32_t record, const Msgrcv& call) {
    if (call.memory == Memory::kBad || call.size < 0 || call.flags.has(MSG_COPY) ||
        call.type == INT64_MIN ||
        !MayUse(round_.world(), round_.records()[record].task, stat_, 0400)) {
      return GiveUp(Cat(round_.NameOf(record), " is not in order"));
    }
    Op op = New(record);
    const bool cuts = call.flags.has(MSG_NOERROR);
    op.size = cuts ? UINT32_MAX : static_cast<uint32_t>(std::min<int64_t>(call.size, UINT32_MAX));
    op.selector = call.type == 0               ? Selector::kOldest
                  : call.type < 0              ? Selector::kUpTo
                  : call.flags.has(MSG_EXCEPT) ? Selector::kExcept
                                               : Selector::kRank;
    const Detail detail{.type = call.type < 0 ? -call.type : call.type};
    const CallRecord& r = round_.records()[record];
    if (cuts && r.returned() && round_.OutcomeOf(r).ok() && round_.OutcomeOf(r).ret == call.size) {
      return GiveUp("a message may have been cut");
    }
    if (r.returned() && round_.OutcomeOf(r).error == E2BIG && !cuts) {
      op.kind = Op::kTooLong;
      return Push(op, detail);
    }
    AddReceive(op, detail, call.flags.has(IPC_NOWAIT) ? ENOMSG : 0, Nanos::kForever, true);
  }

  void Add(uint32_t record, const MqSend& call) {
    const Description* d = DescriptionOf(record, call.fd);
    if (call.bad_time || d == nullptr || (d->flags & O_ACCMODE) == O_RDONLY || call.priority < 0 ||
        call.priority >= PosixMq::kPriorities ||
        static_cast<int64_t>(call.data.text.size()) > msgsize_) {
      return GiveUp(Cat(round_.NameOf(record), " is not in order"));
    }
    Op op = New(record);
    op.size = static_cast<uint32_t>(call.data.text.size());
    const Detail detail{.type = call.priority, .text = &call.data.text};
    AddSend(op, detail, (d->flags & O_NONBLOCK) != 0, call.timeout.ns, /*late=*/false);
  }

  void Add(uint32_t record, const MqReceive& call) {
    const Description* d = DescriptionOf(record, call.fd);
    if (call.bad_time || d == nullptr || (d->flags & O_ACCMODE) == O_WRONLY ||
        call.size < msgsize_) {
      return GiveUp(Cat(round_.NameOf(record), " is not in order"));
    }
    Op op = New(record);
    op.size = UINT32_MAX;
    op.selector = Selector::kHighest;
    AddReceive(op, Detail(), (d->flags & O_NONBLOCK) != 0 ? EAGAIN : 0, call.timeout.ns, false);
  }

  const Description* DescriptionOf(uint32_t record, const Fd& fd) const {
    return round_.world().FindDescription(round_.records()[record].task, fd.value);
  }

  Op New(uint32_t record) const {
    const CallRecord& r = round_.records()[record];
    Op op;
    op.span = r.span;
    op.source = record;
    op.optional = r.killed();
    return op;
  }

  void Push(const Op& op, const Detail& detail) {
    model_.operations.push_back(op);
    details_.push_back(detail);
  }

  // `late`: the call may give EINTR although it could have gone on.
  void AddSend(Op op, const Detail& detail, bool nonblocking, int64_t timeout, bool late) {
    op.kind = Op::kSend;
    const CallRecord& r = round_.records()[op.source];
    if (!r.returned() && !r.killed()) {
      sleeping_.push_back({op.source, {.sends = true, .size = op.size}, timeout});
      return;
    }
    if (r.returned() && !round_.OutcomeOf(r).ok()) {
      return AddFailure(op, detail, Op::kFull, nonblocking ? EAGAIN : 0, timeout, late);
    }
    if (r.returned() && round_.OutcomeOf(r) != Returns(0)) {
      return Unexplained(op.source, " returned what it never does");
    }
    Push(op, detail);
  }

  void AddReceive(Op op, Detail detail, int nonblocking, int64_t timeout, bool late) {
    const CallRecord& r = round_.records()[op.source];
    if (!r.returned() && !r.killed()) {
      sleeping_.push_back({op.source, {.selector = op.selector}, timeout, detail.type});
      return;
    }
    if (r.killed()) {
      op.kind = Op::kTake;
      return Push(op, detail);
    }
    const Outcome& outcome = round_.OutcomeOf(r);
    if (!outcome.ok()) return AddFailure(op, detail, Op::kEmpty, nonblocking, timeout, late);
    if (outcome.values.size() != 1 || outcome.ret != static_cast<int64_t>(outcome.data.size())) {
      return Unexplained(op.source, " returned something that is no message");
    }
    op.kind = Op::kReceive;
    detail.text = &outcome.data;
    detail.received = outcome.values[0];
    Push(op, detail);
  }

  void AddFailure(Op op, const Detail& detail, uint8_t kind, int nonblocking, int64_t timeout,
                  bool late) {
    const CallRecord& r = round_.records()[op.source];
    const int error = round_.OutcomeOf(r).error;
    op.kind = kind;
    if (nonblocking != 0 && error == nonblocking) return Push(op, detail);
    if (error == EINTR) {
      if (r.signal_event == kNever) return Unexplained(op.source, " returned EINTR without signal");
      if (late) op.kind = Op::kInterrupted;
      op.span.call = std::max(op.span.call, TickOf(r.signal_event));
      return Push(op, detail);
    }
    if (error == ETIMEDOUT && timeout != Nanos::kForever && nonblocking == 0) {
      const uint32_t tick = round_.TickOfDeadline(r, timeout);
      if (tick == kNever) return Unexplained(op.source, " timed out too early");
      op.span.call = std::max(op.span.call, tick);
      return Push(op, detail);
    }
    Unexplained(op.source, " returned an error that nothing explains");
  }

  void AddQuietMoments() {
    for (const QuietMoment& quiet : round_.quiets()) {
      Op op;
      op.kind = Op::kQuiet;
      op.mate = static_cast<uint32_t>(model_.sleepers.size());
      for (const uint32_t record : quiet.asleep) {
        if (!std::binary_search(records_.begin(), records_.end(), record)) continue;
        const CallRecord& r = round_.records()[record];
        Sleeping sleeping = SleepingOf(record);
        sleeping.sleeper.restless |= round_.Overslept(r, quiet.event, sleeping.timeout);
        model_.sleepers.push_back(sleeping.sleeper);
        sleeper_types_.push_back(sleeping.type);
        op.source = record;
        ++op.size;
      }
      if (op.size == 0) continue;
      op.span = {.call = TickOf(quiet.event), .ret = TickOf(quiet.event)};
      op.rank = quiet.event;
      Push(op, Detail());
    }
  }

  struct Sleeping {
    uint32_t record = 0;
    QueueSleeper sleeper;
    int64_t timeout = Nanos::kForever;
    int64_t type = 0;
  };

  // Of a record that was asleep, whether or not it returned later.
  Sleeping SleepingOf(uint32_t record) const {
    const Call& call = round_.CallOf(round_.records()[record]);
    Sleeping s{.record = record};
    if (const auto* c = std::get_if<Msgsnd>(&call)) {
      s.sleeper = {.sends = true,
                   .restless = c->flags.has(IPC_NOWAIT),
                   .size = static_cast<uint32_t>(c->data.text.size())};
    } else if (const auto* c = std::get_if<Msgrcv>(&call)) {
      s.sleeper.restless = c->flags.has(IPC_NOWAIT);
      s.sleeper.selector = c->type == 0               ? Selector::kOldest
                           : c->type < 0              ? Selector::kUpTo
                           : c->flags.has(MSG_EXCEPT) ? Selector::kExcept
                                                      : Selector::kRank;
      s.type = c->type < 0 ? -c->type : c->type;
    } else if (const auto* c = std::get_if<MqSend>(&call)) {
      s.sleeper = {.sends = true, .size = static_cast<uint32_t>(c->data.text.size())};
      s.timeout = c->timeout.ns;
      s.sleeper.restless = (DescriptionOf(record, c->fd)->flags & O_NONBLOCK) != 0;
    } else if (const auto* c = std::get_if<MqReceive>(&call)) {
      s.sleeper.selector = Selector::kHighest;
      s.timeout = c->timeout.ns;
      s.sleeper.restless = (DescriptionOf(record, c->fd)->flags & O_NONBLOCK) != 0;
    }
    return s;
  }

  // Types become ranks. Where every receiver takes the oldest of all, there is one rank.
  void SetRanks() {
    std::vector<int64_t> types;
    bool one = true;
    for (size_t i = 0; i < details_.size(); ++i) {
      const Op& op = model_.operations[i];
      if (op.kind == Op::kSend) types.push_back(details_[i].type);
      const bool selects = op.kind == Op::kReceive || op.kind == Op::kTake ||
                           op.kind == Op::kEmpty || op.kind == Op::kTooLong;
      if (selects && op.selector != Selector::kOldest) one = false;
    }
    for (const QueueSleeper& s : model_.sleepers) one &= s.sends || s.selector == Selector::kOldest;
    std::sort(types.begin(), types.end());
    types.erase(std::unique(types.begin(), types.end()), types.end());
    const auto rank = [&](int64_t type, Selector selector) -> uint32_t {
      const auto at =
          std::upper_bound(types.begin(), types.end(), type);  // after it, if it is there
      const auto index = static_cast<uint32_t>(at - types.begin());
      if (index == 0) return Op::kNone;
      return selector == Selector::kUpTo || types[index - 1] == type ? index - 1 : Op::kNone;
    };
    model_.ranks = one ? 1 : std::max<uint32_t>(1, static_cast<uint32_t>(types.size()));
    for (size_t i = 0; i < details_.size(); ++i) {
      Op& op = model_.operations[i];
      if (op.kind == Op::kQuiet) continue;
      if (op.kind == Op::kSend) {
        op.rank = one ? 0 : rank(details_[i].type, Selector::kRank);
      } else {
        op.rank = rank(details_[i].type, op.selector);
      }
    }
    for (size_t i = 0; i < model_.sleepers.size(); ++i) {
      QueueSleeper& s = model_.sleepers[i];
      if (!s.sends) s.rank = rank(sleeper_types_[i], s.selector);
    }
  }

  // Finds the send of each receive by what was received.
  void Match() {
    absl::flat_hash_map<Message, uint32_t> sends;
    sends.reserve(details_.size());
    for (uint32_t i = 0; i < details_.size(); ++i) {
      if (model_.operations[i].kind != Op::kSend) continue;
      const Message message{details_[i].type, *details_[i].text};
      if (!sends.emplace(message, i).second) return GiveUp("two messages are alike");
    }
    for (uint32_t i = 0; i < details_.size(); ++i) {
      Op& op = model_.operations[i];
      if (op.kind != Op::kReceive) continue;
      const auto it = sends.find(Message{details_[i].received, *details_[i].text});
      if (it == sends.end()) continue;
      Op& send = model_.operations[it->second];
      if (send.mate != Op::kNone) continue;  // received twice: the sweep tells
      if (send.size > op.size) return Unexplained(op.source, " received more than it asked for");
      op.mate = it->second;
      send.mate = i;
      if (send.optional) {  // it did take effect
        send.optional = false;
        send.span.ret = std::min(send.span.ret, op.span.ret);
      }
    }
  }

  std::vector<Group> Groups(uint32_t quiet) const {
    std::vector<Group> groups;
    // What is wrong whatever the state needs no company.
    if (pattern_) return {{.records = pattern_->operations, .span = {}}};
    for (const Op& op : model_.operations) {
      if (op.kind == Op::kQuiet || (op.kind == Op::kReceive && op.mate != Op::kNone)) continue;
      Group group{.records = {op.source}, .span = round_.records()[op.source].span};
      group.span.call = TickOf(round_.records()[op.source].call_event);
      group.watches = op.kind == Op::kFull || op.kind == Op::kTooLong;
      if (op.kind == Op::kSend) {
        group.span.ret = kNever;
        if (op.mate != Op::kNone) {
          const uint32_t receive = model_.operations[op.mate].source;
          group.records.push_back(receive);
          group.span.ret = round_.records()[receive].span.ret;
        }
      }
      groups.push_back(std::move(group));
    }
    // Who sleeps does nothing, and matters only when all is quiet: a sender where the queue is
    // full.
    for (const Sleeping& s : sleeping_) {
      const uint32_t tick = quiet == kNever ? 0 : TickOf(quiet);
      groups.push_back({.records = {s.record},
                        .span = {.call = tick, .ret = tick},
                        .watches = s.sleeper.sends && quiet != kNever});
    }
    return groups;
  }

  Outcome stat_;
  int64_t msgsize_ = 0;
  QueueModel model_;
  std::vector<Detail> details_;  // of each operation
  std::vector<int64_t> sleeper_types_;
  std::vector<Sleeping> sleeping_;  // calls that never returned
};

}  // namespace

PartAnswer CheckQueue(const Round& round, const ObjectName& object,
                      absl::Span<const uint32_t> records, const Effort& effort) {
  return QueuePart(round, object, records).Check(effort);
}

}  // namespace ipcspec
