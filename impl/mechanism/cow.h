// Cow<T>: a value that copies share until one of them changes.
//
// The oracle keeps many candidate worlds that differ little. A copy costs one counter; Mutable()
// copies the T first if anybody else holds it. Its hash is kept, as most of a world is as it was in
// the world before. Not for use across threads (impl/ has none).
#ifndef IPCSPEC_IMPL_MECHANISM_COW_H_
#define IPCSPEC_IMPL_MECHANISM_COW_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/hash/hash.h"

namespace ipcspec {

template <class T>
class Cow {
 public:
  Cow() : box_(new Box{T(), 1}) {}
  explicit Cow(T value) : box_(new Box{std::move(value), 1}) {}
  Cow(const Cow& other) : box_(other.box_) { ++box_->holders; }
  Cow(Cow&& other) noexcept : box_(std::exchange(other.box_, nullptr)) {}
  Cow& operator=(Cow other) noexcept {
    std::swap(box_, other.box_);
    return *this;
  }
  ~Cow() {
    if (box_ != nullptr && --box_->holders == 0) delete box_;
  }

  const T& operator*() const { return box_->value; }
  const T* operator->() const { return &box_->value; }

  // Not to be changed any more by this reference once it was hashed.
  T& Mutable() {
    if (box_->holders > 1) {
      Box* own = new Box{box_->value, 1};
      --box_->holders;
      box_ = own;
    }
    box_->hash = 0;
    return box_->value;
  }

  friend bool operator==(const Cow& a, const Cow& b) { return a.box_ == b.box_ || *a == *b; }
  template <typename H>
  friend H AbslHashValue(H h, const Cow& c) {
    if (c.box_->hash == 0) c.box_->hash = absl::HashOf(*c);
    return H::combine(std::move(h), c.box_->hash);
  }

 private:
  struct Box {
    T value;
    int64_t holders;
    size_t hash = 0;  // of the value; 0: not known
  };
  Box* box_;
};

// Things by number, in ascending order: tasks by name, open file descriptions and pipes by index.
template <class T>
class Numbered {
 public:
  using Entry = std::pair<int, Cow<T>>;

  const T* Find(int number) const {
    const auto it = Position(number);
    return it != entries_.end() && it->first == number ? &*it->second : nullptr;
  }
  bool contains(int number) const { return Find(number) != nullptr; }
  // REQUIRES: contains(number).
  T& Mutable(int number) { return entries_[Position(number) - entries_.begin()].second.Mutable(); }
  T& Insert(int number, T value) {
    const auto at = entries_.insert(Position(number), Entry(number, Cow<T>(std::move(value))));
    return at->second.Mutable();
  }
  // Inserts under the smallest number that is free; returns the number.
  int Add(T value) {
    int number = 0;
    for (const Entry& e : entries_) {
      if (e.first != number) break;
      ++number;
    }
    Insert(number, std::move(value));
    return number;
  }
  // REQUIRES: contains(number).
  void Erase(int number) { entries_.erase(Position(number)); }

  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }
  size_t size() const { return entries_.size(); }

  bool operator==(const Numbered&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const Numbered& n) {
    return H::combine(std::move(h), n.entries_);
  }

 private:
  typename std::vector<Entry>::const_iterator Position(int number) const {
    return std::lower_bound(entries_.begin(), entries_.end(), number,
                            [](const Entry& e, int n) { return e.first < n; });
  }
  std::vector<Entry> entries_;
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MECHANISM_COW_H_
