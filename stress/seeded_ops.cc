#include "stress/seeded_ops.h"

#include <sched.h>
#include <sys/msg.h>
#include <sys/sem.h>

#include <algorithm>
#include <set>

namespace ipcspec {
namespace {

bool Undoes(const Sembuf& op) { return op.flags.has(SEM_UNDO); }

// A receive that tells exactly what it took.
bool IsPlain(const Msgrcv& call) {
  return !call.flags.has(MSG_COPY) && !call.flags.has(MSG_NOERROR) && call.memory == Memory::kGood;
}

// The traffic, by container, while it is read off.
class Reader {
 public:
  explicit Reader(const History& history) : qbytes_(history.dialect.Get(Limit::kMsgmnb)) {}

  void Read(const Op& op) {
    if (const auto* call = op.As<Msgget>(); call != nullptr && op.ok()) {
      found_[{'m', op.outcome->ret}].capacity = qbytes_;
    } else if (const auto* call = op.As<MsgSet>()) {
      // Before anything is sent; later it would be uncertain from when on.
      Traffic& queue = found_[{'m', call->id.value}];
      queue.transfers.empty() && op.ok() ? void(queue.capacity = call->qbytes)
                                         : void(uncertain_.insert({'m', call->id.value}));
    } else if (const auto* call = op.As<Msgsnd>()) {
      const bool whole = call->size == Msgsnd::kAll && call->memory == Memory::kGood;
      Add({'m', call->id.value}, whole,
          {.op = &op,
           .puts = true,
           .message = true,
           .kind = call->type,
           .amount = static_cast<int64_t>(call->data.text.size()),
           .text = &call->data.text});
    } else if (const auto* call = op.As<Msgrcv>()) {
      Take({'m', call->id.value}, op, IsPlain(*call), !call->flags.has(IPC_NOWAIT), qbytes_);
    } else if (const auto* call = op.As<MsgRemove>()) {
      uncertain_.insert({'m', call->id.value});
    } else if (const auto* call = op.As<MqOpen>(); call != nullptr && op.ok()) {
      // With several, two descriptors may be of one queue.
      ++queues_;
      found_[{'q', op.outcome->ret}].capacity = call->maxmsg;
    } else if (const auto* call = op.As<MqSend>()) {
      Add({'q', call->fd.value}, true,
          {.op = &op,
           .puts = true,
           .message = true,
           .kind = call->priority,
           .amount = 1,
           .text = &call->data.text});
    } else if (const auto* call = op.As<MqReceive>()) {
      Take({'q', call->fd.value}, op, true, call->timeout.ns == Nanos::kForever, 1);
    } else {
      ReadPipe(op);
    }
  }

  std::vector<Traffic> Result() && {
    std::vector<Traffic> result;
    for (auto& [name, traffic] : found_) {
      if (uncertain_.contains(name) || (name.first == 'q' && queues_ > 1)) continue;
      if (traffic.capacity > 0) result.push_back(std::move(traffic));
    }
    return result;
  }

 private:
  using Name = std::pair<char, int64_t>;

  void Add(const Name& name, bool certain, Transfer transfer) {
    if (!certain) uncertain_.insert(name);
    transfer.container = name.second;
    found_[name].transfers.push_back(transfer);
  }

  void Take(const Name& name, const Op& op, bool certain, bool waits, int64_t most) {
    Transfer take{.op = &op, .message = true, .amount = most, .waits = waits};
    if (op.outcome != nullptr) {
      take.amount = 0;
      if (op.ok()) {
        take.kind = op.outcome->values.empty() ? 0 : op.outcome->values[0];
        take.amount = name.first == 'q' ? 1 : op.outcome->ret;
        take.text = &op.outcome->data;
      }
    }
    Add(name, certain, take);
  }

  void ReadPipe(const Op& op) {
    if (op.As<MakePipe>() != nullptr && op.ok() && op.outcome->values.size() == 2) {
      const int64_t reads = op.outcome->values[0], writes = op.outcome->values[1];
      const Name name = {'p', reads};
      if (found_.contains(name)) uncertain_.insert(name);
      found_[name].capacity = 65536;
      ends_[writes] = reads;
    } else if (const auto* call = op.As<SetPipeSize>()) {
      const auto end = ends_.find(call->fd.value);
      const Name name = {'p', end == ends_.end() ? call->fd.value : end->second};
      Traffic& pipe = found_[name];
      pipe.transfers.empty() && op.ok() ? void(pipe.capacity = op.outcome->ret)
                                        : void(uncertain_.insert(name));
    } else if (const auto* call = op.As<Write>()) {
      const auto end = ends_.find(call->fd.value);
      if (end == ends_.end()) return;
      Add({'p', end->second}, true,
          {.op = &op,
           .puts = true,
           .amount = op.ok() ? op.outcome->ret : 0,
           .text = &call->data.text});
    } else if (const auto* call = op.As<ipcspec::Read>()) {
      Transfer take{.op = &op, .amount = call->count};
      if (op.outcome != nullptr) take.amount = op.ok() ? op.outcome->ret : 0;
      if (op.ok()) take.text = &op.outcome->data;
      Add({'p', call->fd.value}, true, take);
    } else if (op.As<Readv>() != nullptr || op.As<Writev>() != nullptr || op.As<Dup>() != nullptr ||
               op.As<Dup2>() != nullptr) {
      for (const auto& [name, traffic] : found_) {
        if (name.first != 'm') uncertain_.insert(name);
      }
    }
  }

  int64_t qbytes_;
  int queues_ = 0;  // opened
  std::map<Name, Traffic> found_;
  std::set<Name> uncertain_;
  std::map<int64_t, int64_t> ends_;  // of pipes: write end to read end
};

}  // namespace

std::vector<Op> OpsOf(const History& history) {
  std::vector<Op> ops;
  std::map<int, size_t> in;  // by task: the op that it is in
  for (size_t i = 0; i < history.events.size(); ++i) {
    const Event& e = history.events[i];
    if (e.kind == Event::Kind::kCall) {
      in[e.task] = ops.size();
      ops.push_back({.task = e.task, .called = i, .call = e.call.get()});
      continue;
    }
    const auto op = in.find(e.task);
    if (op == in.end()) continue;
    if (e.kind == Event::Kind::kReturn) {
      ops[op->second].returned = i;
      ops[op->second].outcome = &e.outcome;
      in.erase(op);
    } else if (e.kind == Event::Kind::kExit) {
      ops[op->second].exited = i;
      in.erase(op);
    }
  }
  return ops;
}

std::vector<Traffic> TrafficOf(const History& history, const std::vector<Op>& ops) {
  Reader reader(history);
  for (const Op& op : ops) reader.Read(op);
  return std::move(reader).Result();
}

SemLedger::SemLedger(const History& history, const std::vector<Op>& ops) : ops_(ops) {
  for (size_t i = 0; i < history.events.size(); ++i) {
    if (history.events[i].kind == Event::Kind::kExit) exits_[history.events[i].task] = i;
  }
}

int64_t SemLedger::Change(const Op& op, const SemName& name, bool undoable_only) {
  int64_t change = 0;
  if (const auto* semop = op.As<Semop>(); semop != nullptr && semop->id.value == name.id) {
    for (const Sembuf& b : semop->ops) {
      if (b.num == name.num && (Undoes(b) || !undoable_only)) change += b.op;
    }
  }
  if (name.num >= 0 || undoable_only) return change;
  if (const auto* post = op.As<PsemPost>()) return post->address.value + post->offset == name.id;
  if (const auto* wait = op.As<PsemWait>()) return -(wait->address.value + wait->offset == name.id);
  if (const auto* wait = op.As<PsemTryWait>()) {
    return -(wait->address.value + wait->offset == name.id);
  }
  return change;
}

std::vector<SemName> SemLedger::Changes(const Op& op) {
  std::set<SemName> names;
  if (const auto* semop = op.As<Semop>()) {
    for (const Sembuf& b : semop->ops) {
      const SemName name{.id = semop->id.value, .num = static_cast<int>(b.num)};
      if (Change(op, name) != 0) names.insert(name);
    }
  }
  return {names.begin(), names.end()};
}

int64_t SemLedger::UndoneBy(int task, const SemName& name) const {
  int64_t undone = 0;
  if (!exits_.contains(task)) return 0;
  for (const Op& op : ops_) {
    if (op.task == task && op.ok()) undone -= Change(op, name, true);
  }
  return undone;
}

std::optional<int64_t> SemLedger::ValueAt(const SemName& name, const Op& at) const {
  std::optional<int64_t> value;
  bool used = false;
  size_t settled = 0;                        // where the last absolute value is there
  std::map<int, int64_t> lowest_undo, undo;  // by task: of what it surely did, and maybe did
  for (const Op& op : ops_) {
    // Adjustments may be shared, or left behind.
    if (op.called > at.returned) break;
    if (op.As<Clone>() != nullptr || op.As<UnshareIpc>() != nullptr) return std::nullopt;
    // Absolute values come first.
    std::optional<int64_t> set;
    bool sets = false;
    if (const auto* c = op.As<SemSetVal>(); c != nullptr && c->id.value == name.id) {
      sets = c->num == name.num;
      if (sets) set = c->value;
    } else if (const auto* c = op.As<SemSetAll>(); c != nullptr && c->id.value == name.id) {
      sets = true;
      if (name.num >= 0 && name.num < static_cast<int>(c->all.size())) set = c->all[name.num];
    } else if (op.As<Semget>() != nullptr && op.ok() && op.outcome->ret == name.id &&
               name.num >= 0 && !value.has_value()) {
      sets = true, set = 0;
    } else if (const auto* c = op.As<PsemInit>();
               c != nullptr && name.num < 0 && c->address.value + c->offset == name.id) {
      sets = true, set = c->value;
    }
    if (sets) {
      if (used || !op.ok() || !set.has_value() || op.called < settled || op.returned > at.called) {
        return std::nullopt;
      }
      value = set;
      settled = op.returned;
      continue;
    }
    const int64_t change = Change(op, name);
    const int64_t undoable = Change(op, name, true);
    if (change == 0 && undoable == 0) continue;
    used = true;
    if (op.called < settled) return std::nullopt;
    if (op.outcome != nullptr) {
      if (op.returned > at.called) return std::nullopt;
      if (!op.ok()) continue;
      if (!value.has_value()) return std::nullopt;
      *value += change;
      undo[op.task] -= undoable;
      lowest_undo[op.task] = std::min(lowest_undo[op.task], undo[op.task]);
    } else if (op.exited != kNoEvent) {
      // It may have taken effect: no matter if that was undone.
      if (op.exited > at.called || change != undoable) return std::nullopt;
      lowest_undo[op.task] = std::min(lowest_undo[op.task], undo[op.task] - undoable);
    }
  }
  if (!value.has_value()) return std::nullopt;
  for (const auto& [task, exit] : exits_) {
    const auto its = undo.find(task);
    if (its == undo.end() && !lowest_undo.contains(task)) continue;
    // What is subtracted may be cut off at 0.
    if (exit > at.called || lowest_undo[task] < 0) return std::nullopt;
    *value += undo[task];
  }
  return value;
}

}  // namespace ipcspec
