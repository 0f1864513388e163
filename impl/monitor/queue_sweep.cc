#include "impl/monitor/queue_sweep.h"

#include <algorithm>
#include <vector>

#include "impl/call/cat.h"

namespace ipcspec {
namespace {

using Op = QueueOperation;
constexpr uint32_t kNone = Op::kNone;

class Sweep {
 public:
  Sweep(const QueueModel& model, const Timeline& timeline, NameOperation name)
      : model_(model),
        timeline_(timeline),
        name_(name),
        inside_(model.ranks),
        last_taken_(model.ranks, kNone) {}

  std::optional<Pattern> Run() {
    for (uint32_t i = 0; i < model_.size() && !found_; ++i) CheckReceive(i);
    for (uint32_t at = 0; at < timeline_.size() && !found_; ++at) {
      const uint32_t operation = timeline_.OperationAt(at);
      const bool is_return = timeline_.IsReturn(at);
      if (is_return) Close(operation);
      is_return ? OnReturn(operation) : OnCall(operation);
      Observe();
    }
    return found_;
  }

 private:
  // An operation that saw the queue without a message of some ranks, or full: it needs one moment
  // at which that can be.
  struct Watch {
    uint32_t operation;
    bool was_possible = false;
  };

  const Op& At(uint32_t operation) const { return model_.operations[operation]; }
  void Report(std::string text, std::vector<uint32_t> operations) {
    found_ = Pattern{.text = std::move(text), .operations = std::move(operations)};
  }

  void CheckReceive(uint32_t operation) {
    const Op& op = At(operation);
    if (op.kind != Op::kReceive) return;
    if (op.mate == kNone) {
      Report(Cat(name_(operation),
                 " received a message that nobody sent, or that another call "
                 "had received"),
             {operation});
    } else if (op.span.ret < At(op.mate).span.call) {
      Report(Cat(name_(operation), " was over before its message was sent by ", name_(op.mate)),
             {operation, op.mate});
    }
  }

  // Of two sends, the one whose message was taken last.
  uint32_t Later(uint32_t a, uint32_t b) const {
    if (a == kNone || b == kNone) return a == kNone ? b : a;
    return model_.TakenSpan(At(a)).call < model_.TakenSpan(At(b)).call ? b : a;
  }

  void CheckOrder(uint32_t earlier, uint32_t send) {
    const Op& b = At(send);
    if (earlier == kNone || b.mate == kNone || found_) return;
    const uint32_t taken = model_.TakenSpan(At(earlier)).call;
    if (taken <= At(b.mate).span.ret) return;
    std::string after = taken == kNone
                            ? Cat("the message of ", name_(earlier), " has not been received")
                            : Cat("that of ", name_(earlier), " was still to be received");
    Report(Cat(name_(b.mate), " received the message of ", name_(send), " while ", after,
               ", which was sent before it"),
           {b.mate, send, earlier});
    if (At(earlier).mate != kNone) found_->operations.push_back(At(earlier).mate);
  }

  void OnCall(uint32_t operation) {
    const Op& op = At(operation);
    switch (op.kind) {
      case Op::kSend:
        CheckOrder(last_taken_[op.rank], operation);
        if (op.mate != kNone && At(op.mate).selector == Selector::kOldest) {
          CheckOrder(last_taken_of_all_, operation);
        }
        ++most_count_, most_bytes_ += op.size;
        break;
      case Op::kReceive:
        if (At(op.mate).span.ret < op.span.call) --inside_[At(op.mate).rank];
        --least_count_, least_bytes_ -= At(op.mate).size;
        if (op.selector == Selector::kHighest || op.selector == Selector::kUpTo) {
          watches_.push_back({operation});
        }
        break;
      case Op::kTake:  // whatever it may take
        takes_ = true;
        break;
      case Op::kEmpty:
      case Op::kFull:
        watches_.push_back({operation});
        break;
    }
  }

  void OnReturn(uint32_t operation) {
    const Op& op = At(operation);
    if (op.kind == Op::kReceive) --most_count_, most_bytes_ -= At(op.mate).size;
    if (op.kind != Op::kSend || op.optional) return;
    last_taken_[op.rank] = Later(last_taken_[op.rank], operation);
    last_taken_of_all_ = Later(last_taken_of_all_, operation);
    // Its receive may have been called by now, or somebody unknown may have taken it: then it was
    // never surely inside.
    const uint32_t taken = model_.TakenSpan(op).call;
    if (taken > op.span.ret && (op.mate != kNone || taken == kNone)) ++inside_[op.rank];
    ++least_count_, least_bytes_ += op.size;
    if (takes_) return;
    const bool too_many = least_count_ > model_.most_messages;
    if (too_many || least_bytes_ > model_.most_bytes) {
      Report(Cat("when ", name_(operation), " returned there were at least ",
                 too_many ? least_count_ : least_bytes_, too_many ? " messages" : " bytes",
                 " in the queue, which has room for ",
                 too_many ? model_.most_messages : model_.most_bytes),
             {operation});
    }
  }

  // Whether some message that the operation should have seen, or taken first, is surely inside.
  bool IsOccupied(const Op& op) const {
    uint32_t low = 0, high = model_.ranks;  // ranks [low, high) count
    if (op.kind == Op::kReceive) {
      const uint32_t rank = At(op.mate).rank;
      op.selector == Selector::kHighest ? low = rank + 1 : high = rank;
    } else if (op.selector == Selector::kRank) {
      low = op.rank, high = op.rank + 1;
    } else if (op.selector == Selector::kUpTo) {
      high = op.rank + 1;
    }
    if (op.rank == kNone && (op.selector == Selector::kRank || op.selector == Selector::kUpTo)) {
      return false;
    }
    for (uint32_t r = low; r < high; ++r) {
      if (inside_[r] > 0 && (op.selector != Selector::kExcept || r != op.rank)) return true;
    }
    return false;
  }

  void Observe() {
    for (Watch& watch : watches_) {
      if (watch.was_possible) continue;
      const Op& op = At(watch.operation);
      watch.was_possible = op.kind == Op::kFull ? most_count_ + 1 > model_.most_messages ||
                                                      most_bytes_ + op.size > model_.most_bytes
                                                : !IsOccupied(op);
    }
  }

  void Close(uint32_t operation) {
    const auto watch = std::find_if(watches_.begin(), watches_.end(),
                                    [&](const Watch& w) { return w.operation == operation; });
    if (watch == watches_.end()) return;
    if (!watch->was_possible && !found_) {
      const Op& op = At(operation);
      const char* why =
          op.kind == Op::kFull ? " found no room, but there was room for it all the time"
          : op.kind == Op::kEmpty
              ? " found no message, but all the time there was one in the queue for it"
              : " took its message, but all the time there was one in the queue that goes first";
      Report(Cat(name_(operation), why), {operation});
    }
    watches_.erase(watch);
  }

  const QueueModel& model_;
  const Timeline& timeline_;
  const NameOperation name_;
  std::optional<Pattern> found_;

  std::vector<int64_t> inside_;       // messages that are surely inside, by rank
  std::vector<uint32_t> last_taken_;  // of the sends that returned: whose message is taken last
  uint32_t last_taken_of_all_ = kNone;
  int64_t least_count_ = 0, least_bytes_ = 0;  // sends that returned less receives that were called
  int64_t most_count_ = 0, most_bytes_ = 0;    // sends that were called less receives that returned
  bool takes_ = false;
  std::vector<Watch> watches_;
};

}  // namespace

std::optional<Pattern> SweepQueue(const QueueModel& model, const Timeline& timeline,
                                  NameOperation name) {
  return Sweep(model, timeline, name).Run();
}

}  // namespace ipcspec
