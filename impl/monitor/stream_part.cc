// Pipes of a round, as StreamModel.
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <string_view>
#include <utility>

#include "impl/call/cat.h"
#include "impl/monitor/part.h"
#include "impl/monitor/stream_model.h"

namespace ipcspec {
namespace {

using Op = StreamOperation;

class StreamPart : PartReader {
 public:
  StreamPart(const Round& round, const ObjectName& object, absl::Span<const uint32_t> records)
      : PartReader(round, object, records) {}

  PartAnswer Check(const Effort& effort) {
    FindPipe();
    for (const uint32_t record : records_) {
      if (!failed_ && !pattern_) Translate(record);
    }
    if (failed_) return CannotSay(*failed_);
    PartAnswer answer;
    if (pattern_) {
      answer = Impossible();
    } else {
      AddQuietMoments();
      answer =
          Decide(model_, effort, round_, [](const auto&...) { return std::optional<Pattern>(); });
    }
    if (answer.answer == Answer::kImpossible) answer.groups = Groups();
    return answer;
  }

 private:
  void FindPipe() {
    const World& world = round_.world();
    const Pipe* pipe = world.pipes->Find(static_cast<int>(object_.number));
    if (pipe == nullptr) return GiveUp("a call names a pipe that is not there");
    Choice usual(Choice::Mode::kUsual);
    model_.capacity = pipe->GetSize(usual).outcome.ret;
    model_.page = world.dialect->page_size;
    // Both ends must stay open whoever dies.
    std::set<int> dead;
    for (const Death& death : round_.deaths()) dead.insert(death.task);
    bool reads = false, writes = false;
    for (const auto& [number, task] : *world.tasks) {
      if (!task->alive() || dead.contains(number)) continue;
      for (const Descriptor& d : task->descriptors) {
        const Description* its = world.descriptions->Find(d.description);
        if (its == nullptr || its->pipe != object_.number) continue;
        reads |= its->reads(), writes |= its->writes();
        if ((its->flags & O_DIRECT) != 0) GiveUp("a pipe of packets");
      }
    }
    if (!reads || !writes) GiveUp("an end of a pipe may be closed");
  }

  void Translate(uint32_t record) {
    const CallRecord& r = round_.records()[record];
    if (round_.world().FindTask(r.task) == nullptr) return GiveUp("a task is not known");
    Op op;
    op.span = r.span;
    op.source = record;
    op.optional = r.killed();
    std::visit([&](const auto& c) { Add(op, c); },
               static_cast<const CallVariant&>(round_.CallOf(r)));
  }

  template <class C>
  void Add(const Op&, const C&) {
    GiveUp(Cat("no model for ", C::kName, " on a pipe"));
  }

  const Description* DescriptionOf(const Op& op, const Fd& fd) const {
    return round_.world().FindDescription(round_.records()[op.source].task, fd.value);
  }

  void Add(Op op, const Write& call) {
    const Description* d = DescriptionOf(op, call.fd);
    const std::string& data = call.data.text;
    if (d == nullptr || !d->writes() || call.memory == Memory::kBad || data.empty()) {
      return GiveUp(Cat(round_.NameOf(op.source), " is not in order"));
    }
    const bool nonblocking = (d->flags & O_NONBLOCK) != 0;
    const auto size = static_cast<int64_t>(data.size());
    op.in_parts = size > Pipe::kPipeBuf;
    if (op.in_parts && !nonblocking) return GiveUp("a large write that blocks");
    op.data = data;
    op.moved = static_cast<uint32_t>(size);
    const CallRecord& r = round_.records()[op.source];
    if (!r.returned() && !r.killed()) return;  // it sleeps
    op.kind = Op::kWrite;
    if (r.killed()) {
      if (op.in_parts) return GiveUp("a large write was killed");
      return model_.operations.push_back(op);
    }
    const Outcome& outcome = round_.OutcomeOf(r);
    if (!outcome.ok()) return AddFailure(op, Op::kFull, nonblocking);
    // The reference lets it go, though no document does.
    if (op.in_parts && outcome.ret == 0) return GiveUp("a large write returned 0");
    const int64_t least = op.in_parts ? 1 : size;
    if (outcome.ret < least || outcome.ret > size || outcome != Returns(outcome.ret)) {
      return Unexplained(op.source, " returned what it never does");
    }
    op.moved = static_cast<uint32_t>(outcome.ret);
    model_.operations.push_back(op);
  }

  void Add(Op op, const Read& call) {
    const Description* d = DescriptionOf(op, call.fd);
    if (d == nullptr || !d->reads() || call.memory == Memory::kBad || call.count < 1 ||
        call.count > INT32_MAX) {
      return GiveUp(Cat(round_.NameOf(op.source), " is not in order"));
    }
    op.moved = static_cast<uint32_t>(call.count);
    const CallRecord& r = round_.records()[op.source];
    if (!r.returned() && !r.killed()) return;  // it sleeps
    op.kind = r.killed() ? Op::kTake : Op::kRead;
    if (r.killed()) return model_.operations.push_back(op);
    const Outcome& outcome = round_.OutcomeOf(r);
    if (!outcome.ok()) return AddFailure(op, Op::kEmpty, (d->flags & O_NONBLOCK) != 0);
    if (outcome.ret != static_cast<int64_t>(outcome.data.size()) || !outcome.values.empty() ||
        outcome.ret < 1 || outcome.ret > call.count) {
      return Unexplained(op.source, " returned what it never does");
    }
    op.data = outcome.data;
    model_.operations.push_back(op);
  }

  void Add(Op op, const Fionread&) {
    const CallRecord& r = round_.records()[op.source];
    if (r.killed()) return;
    if (!r.returned() || !round_.OutcomeOf(r).ok() || round_.OutcomeOf(r).ret != 0 ||
        round_.OutcomeOf(r).values.size() != 1 || !round_.OutcomeOf(r).data.empty()) {
      return Unexplained(op.source, " returned what it never does");
    }
    op.kind = Op::kCount;
    op.moved = static_cast<uint32_t>(round_.OutcomeOf(r).values[0]);
    model_.operations.push_back(op);
  }

  void Add(const Op& op, const GetPipeSize&) {
    const CallRecord& r = round_.records()[op.source];
    if (r.call_event < round_.race_begin() || r.killed()) return;
    if (!r.returned() || round_.OutcomeOf(r) != Returns(model_.capacity)) {
      Unexplained(op.source, " returned another size than the pipe has");
    }
  }

  void AddFailure(Op op, uint8_t kind, bool nonblocking) {
    const CallRecord& r = round_.records()[op.source];
    const int error = round_.OutcomeOf(r).error;
    op.kind = kind;
    if (error == EINTR && r.signal_event != kNever) {
      op.kind = Op::kInterrupted;
    } else if (error != EAGAIN || !nonblocking) {
      return Unexplained(op.source, " returned an error that nothing explains");
    }
    model_.operations.push_back(op);
  }

  void AddQuietMoments() {
    for (const QuietMoment& quiet : round_.quiets()) {
      Op op;
      op.kind = Op::kQuiet;
      op.span = {.call = TickOf(quiet.event), .ret = TickOf(quiet.event)};
      op.place = quiet.event;
      op.first = static_cast<uint32_t>(model_.sleepers.size());
      for (const uint32_t record : quiet.asleep) {
        if (!std::binary_search(records_.begin(), records_.end(), record)) continue;
        const CallRecord& r = round_.records()[record];
        op.source = record;
        const auto* write = std::get_if<Write>(&round_.CallOf(r));
        const auto* read = std::get_if<Read>(&round_.CallOf(r));
        StreamSleeper sleeper{.writes = write != nullptr};
        if (write != nullptr) sleeper.size = static_cast<uint32_t>(write->data.text.size());
        const Description* d = read != nullptr    ? DescriptionOf(op, read->fd)
                               : write != nullptr ? DescriptionOf(op, write->fd)
                                                  : nullptr;
        sleeper.restless = d == nullptr || (d->flags & O_NONBLOCK) != 0;
        model_.sleepers.push_back(sleeper);
        ++op.moved;
      }
      if (op.moved > 0) model_.operations.push_back(op);
    }
  }

  // Bytes cannot be left out of a stream without changing what reads return: writes and reads stand
  // together, and only what moved nothing can go.
  std::vector<Group> Groups() const {
    std::vector<Group> groups(1);
    std::set<uint32_t> still;
    for (const Op& op : model_.operations) {
      if (op.kind > Op::kTake) still.insert(op.source);
    }
    for (const uint32_t record : records_) {
      if (round_.records()[record].call_event < round_.race_begin()) continue;
      if (still.contains(record)) {
        groups.push_back({.records = {record}, .span = round_.records()[record].span});
      } else {
        groups[0].records.push_back(record);
      }
    }
    groups[0].span = {.call = 0, .ret = kNever};
    return groups;
  }

  StreamModel model_;
};

}  // namespace

PartAnswer CheckStream(const Round& round, const ObjectName& object,
                       absl::Span<const uint32_t> records, const Effort& effort) {
  return StreamPart(round, object, records).Check(effort);
}

}  // namespace ipcspec
