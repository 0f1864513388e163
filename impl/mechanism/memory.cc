#include "impl/mechanism/memory.h"

#include <algorithm>

#include "impl/call/check.h"

namespace ipcspec {
namespace {

// As far up as Linux starts to map, more or less: only where things usually lie depends on it.
constexpr int64_t kTop = 0x7f0000000000;

}  // namespace

std::string MemoryObject::Read(int64_t offset, int64_t count) const {
  std::string data(std::clamp<int64_t>(size - offset, 0, count), '\0');
  for (auto it = bytes.lower_bound(offset); it != bytes.end(); ++it) {
    if (it->first >= offset + static_cast<int64_t>(data.size())) break;
    data[it->first - offset] = it->second;
  }
  return data;
}

void MemoryObject::Write(int64_t offset, std::string_view data) {
  for (size_t i = 0; i < data.size(); ++i) {
    const int64_t at = offset + static_cast<int64_t>(i);
    if (at >= size) break;
    if (data[i] == '\0') {
      bytes.erase(at);
    } else {
      bytes[at] = data[i];
    }
  }
}

void MemoryObject::Resize(int64_t new_size) {
  size = new_size;
  bytes.erase(bytes.lower_bound(size), bytes.end());
}

const Mapping* AddressSpace::Find(int64_t address) const {
  for (const Mapping& m : mappings_) {
    if (m.start <= address && address < m.end()) return &m;
  }
  return nullptr;
}

bool AddressSpace::IsFree(int64_t start, int64_t length) const {
  return std::none_of(mappings_.begin(), mappings_.end(), [&](const Mapping& m) {
    return m.start < start + length && start < m.end();
  });
}

int64_t AddressSpace::UsualPlace(int64_t length) const {
  int64_t place = kTop - length;
  while (!IsFree(place, length)) place -= length;
  return place;
}

void AddressSpace::Map(const Mapping& mapping) {
  IPCSPEC_CHECK(IsFree(mapping.start, mapping.length), "something is mapped there");
  const auto at = std::lower_bound(mappings_.begin(), mappings_.end(), mapping.start,
                                   [](const Mapping& m, int64_t start) { return m.start < start; });
  mappings_.insert(at, mapping);
}

std::vector<Mapping> AddressSpace::Unmap(int64_t start, int64_t length) {
  const int64_t end = start + length;
  std::vector<Mapping> kept, gone;
  const auto part = [](const Mapping& m, int64_t from, int64_t to) {
    Mapping piece = m;
    piece.start = from;
    piece.length = to - from;
    piece.offset += from - m.start;
    return piece;
  };
  for (const Mapping& m : mappings_) {
    if (m.end() <= start || end <= m.start) {
      kept.push_back(m);
      continue;
    }
    if (m.start < start) kept.push_back(part(m, m.start, start));
    gone.push_back(part(m, std::max(m.start, start), std::min(m.end(), end)));
    if (end < m.end()) kept.push_back(part(m, end, m.end()));
  }
  mappings_ = std::move(kept);
  return gone;
}

}  // namespace ipcspec
