#include "impl/monitor/semaphore_sweep.h"

#include <algorithm>
#include <vector>

#include "impl/call/cat.h"

namespace ipcspec {
namespace {

using Op = SemaphoreOperation;

class Sweep {
 public:
  Sweep(const SemaphoreModel& model, const Timeline& timeline, NameOperation name)
      : model_(model),
        timeline_(timeline),
        name_(name),
        least_(model.initial),
        most_(model.initial) {}

  std::optional<Pattern> Run() {
    for (const Op& op : model_.operations) {
      if (op.kind == Op::kSet || op.kind == Op::kExit) return std::nullopt;
    }
    for (uint32_t at = 0; at < timeline_.size() && !found_; ++at) {
      const uint32_t operation = timeline_.OperationAt(at);
      timeline_.IsReturn(at) ? OnReturn(operation) : OnCall(operation);
      for (Watch& watch : watches_) watch.was_possible = watch.was_possible || Possible(watch);
    }
    return found_;
  }

 private:
  // An operation that saw something of one value: it needs a moment at which that can be.
  struct Watch {
    uint32_t operation;
    SemaphoreElement element;
    bool was_possible = false;
  };

  const Op& At(uint32_t operation) const { return model_.operations[operation]; }

  bool Possible(const Watch& watch) const {
    const int64_t low = least_[watch.element.counter], high = most_[watch.element.counter];
    const int64_t amount = watch.element.amount;
    switch (At(watch.operation).kind) {
      case Op::kRead:
        return low <= amount && amount <= high;
      case Op::kChange:  // waited for 0
        return low <= 0 && 0 <= high;
      default:  // could not go on
        return amount == 0 ? high > 0 : low + amount < 0;
    }
  }

  void OnCall(uint32_t operation) {
    const Op& op = At(operation);
    if (op.kind == Op::kChange) {
      for (const SemaphoreElement& e : model_.ElementsOf(op)) {
        (e.amount > 0 ? most_ : least_)[e.counter] += e.amount;
        if (e.amount == 0 && op.length == 1 && !op.optional) watches_.push_back({operation, e});
      }
    } else if (op.kind == Op::kRead) {
      for (const SemaphoreElement& e : model_.ElementsOf(op)) watches_.push_back({operation, e});
    } else if ((op.kind == Op::kRefused || op.kind == Op::kTimedOut) && op.length == 1) {
      watches_.push_back({operation, model_.ElementsOf(op)[0]});
    }
  }

  void OnReturn(uint32_t operation) {
    const Op& op = At(operation);
    for (const Watch& watch : watches_) {
      if (watch.operation == operation && !watch.was_possible) Report(watch);
    }
    watches_.erase(std::remove_if(watches_.begin(), watches_.end(),
                                  [&](const Watch& w) { return w.operation == operation; }),
                   watches_.end());
    if (op.kind != Op::kChange || op.optional) return;
    for (const SemaphoreElement& e : model_.ElementsOf(op)) {
      (e.amount > 0 ? least_ : most_)[e.counter] += e.amount;
      if (e.amount < 0 && most_[e.counter] < 0 && !found_) {
        found_ = Pattern{.text = Cat("when ", name_(operation),
                                     " returned, more had been taken "
                                     "from semaphore ",
                                     e.counter, " than it can have had"),
                         .operations = {operation}};
      }
    }
  }

  void Report(const Watch& watch) {
    if (found_) return;
    const int64_t amount = watch.element.amount;
    const uint8_t kind = At(watch.operation).kind;
    const std::string why =
        kind == Op::kRead     ? Cat(" saw ", amount, ", which it cannot have been at any moment")
        : kind == Op::kChange ? std::string(" found 0, which it cannot have been at any moment")
                              : std::string(" could not go on, but at each moment it could have");
    found_ = Pattern{
        .text = Cat(name_(watch.operation), ", of semaphore ", watch.element.counter, ",", why),
        .operations = {watch.operation}};
  }

  const SemaphoreModel& model_;
  const Timeline& timeline_;
  const NameOperation name_;
  std::vector<int64_t> least_, most_;  // bounds of each value
  std::vector<Watch> watches_;
  std::optional<Pattern> found_;
};

}  // namespace

std::optional<Pattern> SweepSemaphores(const SemaphoreModel& model, const Timeline& timeline,
                                       NameOperation name) {
  return Sweep(model, timeline, name).Run();
}

}  // namespace ipcspec
