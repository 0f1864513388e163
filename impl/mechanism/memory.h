// Memory: what tasks see at their addresses: mmap(2), shmat(2), fork(2).
//
// A MemoryObject holds bytes: a file's, a System V segment's, or memory without a name. An address
// space is a set of mappings, each of which shows whole pages of an object from some offset on.
// Tasks that map the same object see each other's stores at once. A private mapping shows its
// object until the task stores there; the page is then its own: an object of that task alone, which
// fork copies.
//
// Contents are kept sparsely: pages that hold something else than 0. Nothing here knows why
// something is mapped.
#ifndef IPCSPEC_IMPL_MECHANISM_MEMORY_H_
#define IPCSPEC_IMPL_MECHANISM_MEMORY_H_

#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "impl/mechanism/posix_sem.h"

namespace ipcspec {

// `bytes` up to a multiple of `page`.
inline int64_t RoundUp(int64_t bytes, int64_t page) { return (bytes + page - 1) / page * page; }

struct MemoryObject {
  int64_t size = 0;                        // bytes; a file cannot be read or written beyond
  std::map<int64_t, std::string> pages;    // of 4 KiB by number, without zeros at their ends
  std::map<int64_t, PosixSem> semaphores;  // that sem_init or sem_open made here, by offset
  std::set<int64_t> loose;                 // offsets of bytes that may have any value (Store)
  int64_t changes = 0;                     // how often the bytes or the size changed
  int holders = 0;                         // mappings of it, and what else keeps it

  // At most `count` bytes, those before the end.
  std::string Read(int64_t offset, int64_t count) const;
  // `count` bytes as a mapping shows them: zeros beyond the end.
  std::string Load(int64_t offset, int64_t count) const;
  // Bytes beyond the end are passed over.
  void Write(int64_t offset, std::string_view data);
  // Bytes as a mapping stores them. Those beyond the end, in the last page, are no part of the
  // object, and nothing says what is there from then on (mmap(2)).
  void Store(int64_t offset, std::string_view data);
  // Puts in the bytes that were seen for those of `data`, from `offset` on, that may have any
  // value.
  void TakeLoose(int64_t offset, std::string_view seen, std::string* data) const;
  // Bytes beyond the new size are lost; new ones are 0.
  void Resize(int64_t new_size);

  bool operator==(const MemoryObject&) const = default;
  // Contents are costly, and seldom all that differs.
  template <typename H>
  friend H AbslHashValue(H h, const MemoryObject& o) {
    return H::combine(std::move(h), o.size, o.pages.size(), o.semaphores, o.changes, o.holders);
  }

 private:
  void Put(int64_t offset, std::string_view data);
};

struct Mapping {
  int64_t start = 0;
  int64_t length = 0;       // whole pages
  int object = -1;          // number in World::memory
  int64_t offset = 0;       // in the object, of `start`
  int64_t prot = 0;         // PROT_*
  bool shared = true;       // MAP_SHARED
  bool may_write = true;    // PROT_WRITE can be given to it (mprotect(2))
  int64_t segment = -1;     // shmat(2): the identifier of the segment
  int64_t attached_at = 0;  // and the address that it gave

  bool own = false;         // the object is the task's alone: fork copies it
  int file = -1;            // an own page of a private mapping: the object that it is a copy of
  int64_t file_offset = 0;  // ... from here on
  bool locked = false;      // MAP_LOCKED
  // How large the object was when it was mapped, and its `changes` then.
  int64_t size_then = std::numeric_limits<int64_t>::max();
  int64_t changes_then = 0;

  int64_t end() const { return start + length; }
  bool operator==(const Mapping&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const Mapping& m) {
    return H::combine(std::move(h), m.start, m.length, m.object, m.offset, m.prot, m.shared,
                      m.segment, m.own, m.locked);
  }
};

class AddressSpace {
 public:
  // The mapping that shows the address; null when there is none.
  const Mapping* Find(int64_t address) const;
  // Whether no mapping has a byte of [start, start + length).
  bool IsFree(int64_t start, int64_t length) const;
  // Where Linux would put a new mapping: below what is there, or at a place of its own.
  int64_t UsualPlace(int64_t length) const;
  // REQUIRES: IsFree.
  void Map(const Mapping& mapping);
  // Takes the range out, splitting mappings at its ends; returns the parts that went, in order.
  std::vector<Mapping> Unmap(int64_t start, int64_t length);
  absl::Span<const Mapping> all() const { return mappings_; }

  int users = 1;  // tasks (CLONE_VM)
  OpenSemaphores named;

  bool operator==(const AddressSpace&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const AddressSpace& a) {
    return H::combine(std::move(h), a.mappings_, a.users, a.named);
  }

 private:
  std::vector<Mapping> mappings_;  // by start; none overlap
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MECHANISM_MEMORY_H_
