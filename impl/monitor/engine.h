// Engine: can the operations of one object be put in an order that its model allows?
//
// A depth-first search that is just in time (Lowe, CCPE 29(4), 2017): an operation is put in order
// only when a return demands it, so that states exist only at returns of operations that are not
// in order yet. The operations put in order there end with the one that returns. The model says
// which may go next, and picks the best; it can be undone, so that there is one state, not one per
// branch. Configurations that were met before are remembered by a fingerprint of 128 bits: their
// future is known to fail. A model that picks well makes about one step an operation.
//
// An optional operation (its task was killed in it) is passed over at its end first; that failing,
// it is put in order there.
#ifndef IPCSPEC_IMPL_MONITOR_ENGINE_H_
#define IPCSPEC_IMPL_MONITOR_ENGINE_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

#include "impl/monitor/timeline.h"

namespace ipcspec {

// Ways to leave out what need not be tried. Each has its proof where a model uses it: without it
// the answer is the same, and takes longer.
enum Rule : uint32_t {
  kIdentityFirst = 1 << 1,    // R1: what changes nothing goes as soon as it can
  kEagerTake = 1 << 2,        // R2: so does what only makes room for others
  kElimination = 1 << 3,      // R3: what is put in and taken out at once
  kLookAhead = 1 << 4,        // R4: later outcomes tell the order
  kBestFirst = 1 << 5,        // R5: the likeliest first
  kInterchangeable = 1 << 6,  // R6: of equal operations the one that returns first
  kOverwritten = 1 << 7,      // R7: values that nobody reads, and those that somebody still has to
  kUnobserved = 1 << 8,       // R8: what nobody noticed did not happen
  kDeadEnd = 1 << 9,          // R9: what is needed has not been called
  kDominance = 1 << 10,       // R10: an operation that is in every way more urgent goes first
  kAllRules = (1 << 11) - 2,
};

enum class Answer { kPossible, kImpossible, kUnknown };

// What a model sees when it is asked what may go next.
struct Window {
  uint64_t open = 0;  // slots of the operations that were called and are not in order
  std::array<uint32_t, Timeline::kMostOpen> in{};  // the operation of each slot
  uint32_t now = 0;                                // position of the return that demands ...
  uint32_t target = 0;                             // ... this operation
};

// Calls `visit(operation, bit)` for each operation of a set.
template <class Visit>
void ForEach(const Window& window, uint64_t set, Visit visit) {
  for (; set != 0; set &= set - 1) {
    const int slot = std::countr_zero(set);
    visit(window.in[static_cast<size_t>(slot)], uint64_t{1} << slot);
  }
}

struct Fingerprint {
  uint64_t low = 0;
  uint64_t high = 0;
  void operator+=(Fingerprint other) { low += other.low, high += other.high; }
  void operator-=(Fingerprint other) { low -= other.low, high -= other.high; }
  bool operator==(const Fingerprint&) const = default;

  // Of two numbers, well mixed.
  static Fingerprint Of(uint64_t a, uint64_t b) {
    return {.low = Mix(a * 0x9e3779b97f4a7c15 + Mix(b + 0x2545f4914f6cdd1d)),
            .high = Mix(a * 0xd1342543de82ef95 + Mix(b + 0x9fb21c651e98df25))};
  }
  // The finalizer of splitmix64 (Steele, Lea, Flood, OOPSLA 2014).
  static uint64_t Mix(uint64_t x) {
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
  }
};

// A set of fingerprints, 16 bytes each.
class FingerprintSet {
 public:
  // False if it was there already.
  bool Insert(Fingerprint f) {
    if (f == Fingerprint()) f.low = 1;  // all zero marks a free place
    if (count_ * 2 >= places_.size()) Grow();
    Fingerprint& place = Find(f);
    if (place == f) return false;
    place = f;
    ++count_;
    return true;
  }
  size_t size() const { return count_; }

 private:
  Fingerprint& Find(Fingerprint f) {
    size_t at = f.low & (places_.size() - 1);
    while (places_[at] != Fingerprint() && places_[at] != f) at = (at + 1) & (places_.size() - 1);
    return places_[at];
  }
  void Grow() {
    std::vector<Fingerprint> old(std::max<size_t>(64, places_.size() * 2));
    std::swap(old, places_);
    for (const Fingerprint f : old) {
      if (f != Fingerprint()) Find(f) = f;
    }
  }
  std::vector<Fingerprint> places_;
  size_t count_ = 0;
};

struct Found {
  Answer answer = Answer::kUnknown;
  std::vector<uint32_t> witness;  // kPossible: the operations in order
  uint32_t furthest = 0;          // else: the last position that was reached
  uint64_t steps = 0;
};

// A Model has:
//   size_t size() const; const Operation& At(uint32_t) const;
//   void Reset();                         the state before the first operation
//   void Called(uint32_t), Uncalled(...)  an operation's call is passed, or passed back
//   bool Enabled(uint32_t) const;         whether it may go next, in the state at hand
//   void Apply(uint32_t), Undo(uint32_t)  the latest that was applied is undone first
//   Fingerprint Hash() const;             of the state
//   uint64_t Candidates(const Window&, uint32_t rules) const;
//                                         those to be tried; one that is alone is not branched on
//   uint64_t Best(const Window&, uint64_t candidates, uint32_t rules) const;   a bit of them
template <class Model>
class Engine {
 public:
  Engine(const Timeline& timeline, Model& model, uint32_t rules, uint64_t budget)
      : timeline_(timeline), model_(model), rules_(rules), budget_(budget) {}

  Found Run() {
    Found found;
    model_.Reset();
    for (;;) {
      Advance();
      found.furthest = std::max(found.furthest, event_);
      if (event_ == timeline_.size()) {
        found.answer = Answer::kPossible;
        for (const Frame& f : frames_) {
          if ((f.operation & kPassedOver) == 0) found.witness.push_back(f.operation);
        }
        break;
      }
      if (found.steps++ == budget_) break;
      if (!GoOn(true) && !Backtrack()) {
        found.answer = Answer::kImpossible;
        break;
      }
    }
    return found;
  }

 private:
  static constexpr uint32_t kPassedOver = uint32_t{1} << 31;

  struct Frame {
    uint32_t event;      // the return that demanded it
    uint32_t operation;  // what was put in order, or, with kPassedOver, was not
    uint64_t untried;    // slots of what else might have gone
  };

  uint64_t BitOf(uint32_t operation) const { return uint64_t{1} << timeline_.SlotOf(operation); }
  uint32_t& Occupant(uint32_t operation) {
    return window_.in[static_cast<size_t>(timeline_.SlotOf(operation))];
  }

  // To the next return of an operation that is not in order yet, or to the end.
  void Advance() {
    for (; event_ < timeline_.size(); ++event_) {
      const uint32_t operation = timeline_.OperationAt(event_);
      const uint64_t bit = BitOf(operation);
      if (!timeline_.IsReturn(event_)) {
        Occupant(operation) = operation;
        window_.open |= bit;
        model_.Called(operation);
      } else if ((ordered_ & bit) != 0) {
        ordered_ &= ~bit;
      } else {
        break;
      }
    }
  }

  void Rewind(uint32_t to) {
    while (event_ > to) {
      const uint32_t operation = timeline_.OperationAt(--event_);
      if (timeline_.IsReturn(event_)) {
        Occupant(operation) = operation;
        ordered_ |= BitOf(operation);
      } else {
        window_.open &= ~BitOf(operation);
        model_.Uncalled(operation);
      }
    }
  }

  // Chooses what goes next; false when nothing can.
  bool GoOn(bool may_pass_over) {
    window_.now = event_;
    window_.target = timeline_.OperationAt(event_);
    if (may_pass_over && model_.At(window_.target).optional) {
      Put(window_.target | kPassedOver, 0);
      return true;
    }
    const uint64_t candidates = model_.Candidates(window_, rules_);
    if (candidates == 0) return false;
    if (!std::has_single_bit(candidates)) {
      Fingerprint f = Fingerprint::Of(event_, ordered_);
      f += model_.Hash();
      if (!seen_.Insert(f)) return false;
    }
    Choose(candidates);
    return true;
  }

  void Choose(uint64_t candidates) {
    const uint64_t bit = model_.Best(window_, candidates, rules_);
    Put(window_.in[static_cast<size_t>(std::countr_zero(bit))], candidates & ~bit);
  }

  void Put(uint32_t operation, uint64_t untried) {
    frames_.push_back({.event = event_, .operation = operation, .untried = untried});
    const bool passed_over = (operation & kPassedOver) != 0;
    const uint64_t bit = BitOf(operation & ~kPassedOver);
    window_.open &= ~bit;
    ordered_ |= bit;
    if (!passed_over) model_.Apply(operation);
  }

  // Takes back choices up to one that has an alternative, and takes that.
  bool Backtrack() {
    while (!frames_.empty()) {
      const Frame frame = frames_.back();
      frames_.pop_back();
      Rewind(frame.event);
      const bool passed_over = (frame.operation & kPassedOver) != 0;
      const uint32_t operation = frame.operation & ~kPassedOver;
      if (!passed_over) model_.Undo(operation);
      ordered_ &= ~BitOf(operation);
      window_.open |= BitOf(operation);
      window_.now = event_;
      window_.target = timeline_.OperationAt(event_);
      if (passed_over) {
        if (GoOn(false)) return true;
      } else if (frame.untried != 0) {
        Choose(frame.untried);
        return true;
      }
    }
    return false;
  }

  const Timeline& timeline_;
  Model& model_;
  const uint32_t rules_;
  const uint64_t budget_;

  uint32_t event_ = 0;
  uint64_t ordered_ = 0;  // slots of operations that are in order and have not returned
  Window window_;
  std::vector<Frame> frames_;
  FingerprintSet seen_;
};

// Whether the order respects time and the model allows it, looked at without the engine: each
// operation that is not optional is there once, none is put after one that was called after its
// return, and each is enabled when its turn comes.
template <class Model>
bool IsWitness(Model& model, const std::vector<uint32_t>& order) {
  model.Reset();
  for (uint32_t i = 0; i < model.size(); ++i) model.Called(i);
  std::vector<bool> there(model.size());
  uint32_t latest_call = 0;
  for (const uint32_t operation : order) {
    const Operation& op = model.At(operation);
    latest_call = std::max(latest_call, op.span.call);
    if (there[operation] || op.span.ret < latest_call || !model.Enabled(operation)) return false;
    there[operation] = true;
    model.Apply(operation);
  }
  for (uint32_t i = 0; i < model.size(); ++i) {
    if (!there[i] && !model.At(i).optional) return false;
  }
  return true;
}

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MONITOR_ENGINE_H_
