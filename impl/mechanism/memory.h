// Memory: what tasks see at their addresses: mmap(2), shmat(2), fork(2).
//
// A MemoryObject holds bytes: a file's, a System V segment's, or memory without a name. An address
// space is a set of mappings, each of which shows whole pages of an object from some offset on.
// Tasks that map the same object see each other's stores at once. A private mapping shows its
// object until the task stores there; the page is then its own (an object of that task alone).
//
// Contents are kept sparsely: bytes that are not 0. Nothing here knows why something is mapped.
#ifndef IPCSPEC_IMPL_MECHANISM_MEMORY_H_
#define IPCSPEC_IMPL_MECHANISM_MEMORY_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "impl/mechanism/posix_sem.h"

namespace ipcspec {

struct MemoryObject {
  int64_t size = 0;                        // bytes; what is beyond is 0 and cannot be changed
  std::map<int64_t, char> bytes;           // those that are not 0
  std::map<int64_t, PosixSem> semaphores;  // that sem_init or sem_open made here, by offset
  int holders = 0;                         // mappings of it, and what else keeps it

  std::string Read(int64_t offset, int64_t count) const;
  void Write(int64_t offset, std::string_view data);
  // Bytes beyond the new size are lost.
  void Resize(int64_t new_size);

  bool operator==(const MemoryObject&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const MemoryObject& o) {
    return H::combine(std::move(h), o.size, o.bytes, o.semaphores, o.holders);
  }
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
  int64_t end() const { return start + length; }
  bool operator==(const Mapping&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const Mapping& m) {
    return H::combine(std::move(h), m.start, m.length, m.object, m.offset, m.prot, m.shared,
                      m.segment);
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
  // Takes the range out, splitting mappings at its ends; returns the parts that went.
  std::vector<Mapping> Unmap(int64_t start, int64_t length);
  absl::Span<const Mapping> all() const { return mappings_; }

  int users = 1;  // tasks (CLONE_VM)

  bool operator==(const AddressSpace&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const AddressSpace& a) {
    return H::combine(std::move(h), a.mappings_, a.users);
  }

 private:
  std::vector<Mapping> mappings_;  // by start; none overlap
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MECHANISM_MEMORY_H_
