#include "impl/mechanism/memory.h"

#include <algorithm>

#include "impl/call/check.h"

namespace ipcspec {
namespace {

// As far up as Linux starts to map, more or less: only where things usually lie depends on it.
constexpr int64_t kTop = 0x7f0000000000;

// Of a page of contents, whatever the machine's pages are, and the largest that a machine has.
constexpr int64_t kPageBytes = 4096;
constexpr int64_t kLargestPage = 65536;

}  // namespace

std::string MemoryObject::Read(int64_t offset, int64_t count) const {
  return Load(offset, std::clamp<int64_t>(size - offset, 0, count));
}

std::string MemoryObject::Load(int64_t offset, int64_t count) const {
  std::string data;
  while (static_cast<int64_t>(data.size()) < count) {
    const int64_t at = offset + static_cast<int64_t>(data.size());
    const int64_t within = at % kPageBytes;
    const size_t part = std::min(kPageBytes - within, count - static_cast<int64_t>(data.size()));
    const auto page = pages.find(at / kPageBytes);
    const size_t before = data.size();
    if (page != pages.end() && within < static_cast<int64_t>(page->second.size())) {
      data.append(page->second, within, part);
    }
    data.resize(before + part, '\0');
  }
  return data;
}

void MemoryObject::Put(int64_t offset, std::string_view data) {
  while (!data.empty()) {
    const int64_t within = offset % kPageBytes;
    const std::string_view part = data.substr(0, kPageBytes - within);
    std::string& page = pages[offset / kPageBytes];
    page.resize(std::max<size_t>(page.size(), within + part.size()), '\0');
    page.replace(within, part.size(), part);
    page.resize(page.find_last_not_of('\0') + 1);
    if (page.empty()) pages.erase(offset / kPageBytes);
    offset += static_cast<int64_t>(part.size());
    data.remove_prefix(part.size());
  }
}

void MemoryObject::TakeLoose(int64_t offset, std::string_view seen, std::string* data) const {
  const int64_t end = offset + static_cast<int64_t>(data->size());
  for (auto it = loose.lower_bound(offset); it != loose.end() && *it < end; ++it) {
    (*data)[*it - offset] = seen[*it - offset];
  }
}

void MemoryObject::Write(int64_t offset, std::string_view data) {
  data = data.substr(0, std::max<int64_t>(size - offset, 0));
  Put(offset, data);
  loose.erase(loose.lower_bound(offset), loose.lower_bound(offset + data.size()));
  ++changes;
}

void MemoryObject::Store(int64_t offset, std::string_view data) {
  Write(offset, data);
  for (int64_t at = std::max(offset, size); at < offset + static_cast<int64_t>(data.size()); ++at) {
    loose.insert(at);
  }
}

void MemoryObject::Resize(int64_t new_size) {
  if (new_size < size) {
    const int64_t last = new_size / kPageBytes;
    if (const auto page = pages.find(last); page != pages.end()) {
      std::string kept = page->second.substr(0, new_size % kPageBytes);
      kept.resize(kept.find_last_not_of('\0') + 1);
      page->second = std::move(kept);
    }
    pages.erase(pages.upper_bound(last), pages.end());
    if (const auto page = pages.find(last); page != pages.end() && page->second.empty()) {
      pages.erase(page);
    }
    loose.erase(loose.lower_bound(RoundUp(new_size, kLargestPage)), loose.end());
  }
  size = new_size;
  ++changes;
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
    piece.file_offset += from - m.start;
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
