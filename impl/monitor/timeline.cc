#include "impl/monitor/timeline.h"

#include <algorithm>
#include <bit>

namespace ipcspec {

bool Timeline::Build(size_t count, absl::FunctionRef<Span&(size_t)> span) {
  std::vector<uint64_t> order;  // tick, whether it is a return, operation
  order.reserve(count * 2);
  for (size_t i = 0; i < count; ++i) {
    order.push_back(uint64_t{span(i).call} << 32 | i);
    order.push_back(uint64_t{span(i).ret} << 32 | uint64_t{1} << 31 | i);
  }
  std::sort(order.begin(), order.end());
  events_.resize(order.size());
  slots_.resize(count);
  uint64_t taken = 0;
  for (size_t position = 0; position < order.size(); ++position) {
    const auto operation = static_cast<uint32_t>(order[position] & 0x7fffffff);
    const bool is_return = (order[position] >> 31 & 1) != 0;
    events_[position] = operation << 1 | static_cast<uint32_t>(is_return);
    const auto place = static_cast<uint32_t>(position);
    if (is_return) {
      span(operation).ret = place;
      taken &= ~(uint64_t{1} << slots_[operation]);
      continue;
    }
    span(operation).call = place;
    const int slot = std::countr_one(taken);
    if (slot == kMostOpen) return false;
    taken |= uint64_t{1} << slot;
    slots_[operation] = static_cast<uint8_t>(slot);
  }
  return true;
}

}  // namespace ipcspec
