/* The compiled form of the hot path: see compiled.pyi for what each function does, docs/internals/speedups.md for why.

   Bytes from clients are read here. Three rules keep that safe. Every read is through a Cursor, which compares with
   the end first. Nothing is allocated by a number that a client declared: results have fixed bounds, and what does not
   fit is not plain. What is not plain gives None, and Python reads it, so each check here may be stricter than
   Python's and none may be weaker. tests/core/test_speedups.py compares both on random bytes.

   Only Python's stable ABI is used: one build serves every Python from 3.11 on. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(start, size) ((void)(start), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(start, size) ((void)(start), (void)(size))
#endif

#define INTERFACE 1 /* As in __init__.py: raised when the functions change. */

#define MAX_MESSAGE 4096   /* Bytes of a message. Longer ones are rare, and Python's share of their cost is small. */
#define MAX_SECTIONS 16    /* Clients in an update or in its deletes. */
#define MAX_RANGES 32      /* Ranges of structs, and of deletes. */
#define MAX_CLOCK ((uint64_t)0x7fffffff)
#define MAX_SAFE_INTEGER (((uint64_t)1 << 53) - 1)

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

/* ---- numbers and strings */

typedef struct {
    const uint8_t *at;
    const uint8_t *end;
} Cursor;

typedef enum { PLAIN = 0, NOT_PLAIN = 1, FAILED = -1 } Outcome; /* FAILED: a Python exception is set. */

#define REQUIRE(condition) \
    do { \
        if (!(condition)) \
            return NOT_PLAIN; \
    } while (0)

#define TRY(call) \
    do { \
        Outcome outcome_ = (call); \
        if (outcome_ != PLAIN) \
            return outcome_; \
    } while (0)

static size_t left(const Cursor *cursor) { return (size_t)(cursor->end - cursor->at); }

static Outcome read_byte(Cursor *cursor, uint8_t *byte)
{
    REQUIRE(cursor->at < cursor->end);
    *byte = *cursor->at++;
    return PLAIN;
}

/* A varUint of lib0: at most 8 bytes and 2**53 - 1, without needless bytes. */
static Outcome read_number(Cursor *cursor, uint64_t *number)
{
    uint8_t byte;
    TRY(read_byte(cursor, &byte));
    uint64_t value = byte & 127;
    for (int shift = 7; byte > 127; shift += 7) {
        REQUIRE(shift <= 49);
        TRY(read_byte(cursor, &byte));
        REQUIRE(byte != 0);
        value |= (uint64_t)(byte & 127) << shift;
    }
    REQUIRE(value <= MAX_SAFE_INTEGER);
    *number = value;
    return PLAIN;
}

/* A varUint8Array, not copied. */
static Outcome read_bytes(Cursor *cursor, Cursor *bytes)
{
    uint64_t length;
    TRY(read_number(cursor, &length));
    REQUIRE(length <= left(cursor));
    bytes->at = cursor->at;
    bytes->end = cursor->at += length;
    return PLAIN;
}

/* A varString of strict UTF-8. `units`: its length in UTF-16. */
static Outcome read_text(Cursor *cursor, uint64_t *units)
{
    Cursor text;
    TRY(read_bytes(cursor, &text));
    uint64_t count = 0;
    int is_ascii = 1;
    for (const uint8_t *at = text.at; at < text.end; at++) {
        is_ascii &= *at < 0x80;
        count += (*at & 0xc0) != 0x80;
        count += *at >= 0xf0; /* outside the BMP: two units */
    }
    if (!is_ascii) {
        PyObject *decoded = PyUnicode_DecodeUTF8((const char *)text.at, (Py_ssize_t)left(&text), NULL);
        if (decoded == NULL) {
            if (!PyErr_ExceptionMatches(PyExc_UnicodeDecodeError))
                return FAILED;
            PyErr_Clear();
            return NOT_PLAIN;
        }
        Py_DECREF(decoded);
    }
    *units = count;
    return PLAIN;
}

/* ---- updates */

typedef struct {
    uint64_t client, start, end;
} Range;

typedef struct {
    Range ranges[MAX_RANGES];
    int count;
} Ranges;

static Outcome add_range(Ranges *ranges, uint64_t client, uint64_t start, uint64_t end)
{
    if (start == end)
        return PLAIN;
    REQUIRE(ranges->count < MAX_RANGES);
    ranges->ranges[ranges->count++] = (Range){client, start, end};
    return PLAIN;
}

static Outcome add_client(uint64_t *clients, uint64_t count, uint64_t client)
{
    for (uint64_t place = 0; place < count; place++)
        REQUIRE(clients[place] != client);
    clients[count] = client;
    return PLAIN;
}

/* The id of an origin or parent of the item at `clock` of `client`, which must not be that item or a later one. */
static Outcome skip_id(Cursor *cursor, uint64_t client, uint64_t clock)
{
    uint64_t other, number;
    TRY(read_number(cursor, &other));
    TRY(read_number(cursor, &number));
    REQUIRE(number <= MAX_CLOCK);
    REQUIRE(other != client || number < clock);
    return PLAIN;
}

/* A struct whose content is text or deleted, GC or Skip. */
static Outcome read_struct(Cursor *cursor, uint64_t client, uint64_t clock, uint64_t *length, int *is_skip)
{
    uint8_t info, named;
    uint64_t units;
    TRY(read_byte(cursor, &info));
    const int kind = info & 31;
    *is_skip = kind == 10;
    if (kind == 0 || kind == 10) {
        REQUIRE(info == kind);
        TRY(read_number(cursor, length));
    } else {
        REQUIRE(kind == 1 || kind == 4);
        if (info & 0xc0) {
            TRY(skip_id(cursor, client, clock));
            if ((info & 0xc0) == 0xc0)
                TRY(skip_id(cursor, client, clock));
        } else {
            TRY(read_byte(cursor, &named));
            REQUIRE(named <= 1);
            TRY(named ? read_text(cursor, &units) : skip_id(cursor, client, clock));
            if (info & 0x20)
                TRY(read_text(cursor, &units));
        }
        TRY(kind == 4 ? read_text(cursor, length) : read_number(cursor, length));
    }
    REQUIRE(*length > 0 || *is_skip);
    return PLAIN;
}

static Outcome read_structs(Cursor *cursor, Ranges *ranges)
{
    uint64_t sections, count, client, clock, length, clients[MAX_SECTIONS];
    TRY(read_number(cursor, &sections));
    REQUIRE(sections <= MAX_SECTIONS && sections * 3 <= left(cursor));
    for (uint64_t section = 0; section < sections; section++) {
        TRY(read_number(cursor, &count));
        TRY(read_number(cursor, &client));
        TRY(read_number(cursor, &clock));
        REQUIRE(count <= left(cursor) / 2 && clock <= MAX_CLOCK);
        TRY(add_client(clients, section, client));
        uint64_t start = clock;
        for (; count; count--) {
            int is_skip;
            TRY(read_struct(cursor, client, clock, &length, &is_skip));
            REQUIRE(length <= MAX_CLOCK - clock);
            if (is_skip)
                TRY(add_range(ranges, client, start, clock));
            clock += length;
            if (is_skip)
                start = clock;
        }
        TRY(add_range(ranges, client, start, clock));
    }
    return PLAIN;
}

static Outcome read_deletes(Cursor *cursor, Ranges *ranges)
{
    uint64_t sections, count, client, start, length, clients[MAX_SECTIONS];
    TRY(read_number(cursor, &sections));
    REQUIRE(sections <= MAX_SECTIONS && sections * 2 <= left(cursor));
    for (uint64_t section = 0; section < sections; section++) {
        TRY(read_number(cursor, &client));
        TRY(read_number(cursor, &count));
        REQUIRE(count <= left(cursor) / 2);
        TRY(add_client(clients, section, client));
        for (; count; count--) {
            TRY(read_number(cursor, &start));
            TRY(read_number(cursor, &length));
            REQUIRE(start <= MAX_CLOCK && length > 0 && length <= MAX_CLOCK - start);
            TRY(add_range(ranges, client, start, start + length));
        }
    }
    return PLAIN;
}

/* A whole update. */
static Outcome read_update(Cursor *cursor, Ranges *structs, Ranges *deletes)
{
    structs->count = deletes->count = 0;
    TRY(read_structs(cursor, structs));
    TRY(read_deletes(cursor, deletes));
    REQUIRE(cursor->at == cursor->end);
    return PLAIN;
}

static PyObject *ranges_as_tuple(const Ranges *ranges)
{
    PyObject *tuple = PyTuple_New(ranges->count);
    if (tuple == NULL)
        return NULL;
    for (int place = 0; place < ranges->count; place++) {
        const Range *range = &ranges->ranges[place];
        PyObject *item = Py_BuildValue("(KKK)", (unsigned long long)range->client, (unsigned long long)range->start,
                                       (unsigned long long)range->end);
        if (item == NULL || PyTuple_SetItem(tuple, place, item) < 0) { /* it takes the reference in either case */
            Py_DECREF(tuple);
            return NULL;
        }
    }
    return tuple;
}

static PyObject *inspect_plain(PyObject *module, PyObject *update)
{
    char *bytes;
    Py_ssize_t size;
    Ranges structs, deletes;
    (void)module;
    if (PyBytes_AsStringAndSize(update, &bytes, &size) < 0)
        return NULL;
    Cursor cursor = {(const uint8_t *)bytes, (const uint8_t *)bytes + size};
    const Outcome outcome = read_update(&cursor, &structs, &deletes);
    if (outcome == FAILED)
        return NULL;
    if (outcome == NOT_PLAIN)
        Py_RETURN_NONE;
    return Py_BuildValue("(NN)", ranges_as_tuple(&structs), ranges_as_tuple(&deletes));
}

/* ---- frames */

/* The message of a chunk that is exactly one whole, masked binary frame, unmasked into `message`. */
static Outcome unmask(const uint8_t *chunk, size_t size, uint8_t message[MAX_MESSAGE], size_t *length)
{
    size_t head = 6;
    REQUIRE(size > head && chunk[0] == 0x82 && chunk[1] & 0x80);
    *length = chunk[1] & 0x7f;
    if (*length == 126) {
        head = 8;
        REQUIRE(size > head);
        *length = (size_t)chunk[2] << 8 | chunk[3];
        REQUIRE(*length > 125);
    }
    REQUIRE(*length <= MAX_MESSAGE && *length == size - head); /* 127, a longer length, is never the size */
    const uint8_t *mask = chunk + head - 4, *masked = chunk + head;
    for (size_t place = 0; place < *length; place++)
        message[place] = masked[place] ^ mask[place & 3];
    return PLAIN;
}

/* What read_update_frame returns of a message. */
static PyObject *read_update_message(const uint8_t *message, size_t length, int is_addressed)
{
    Cursor cursor = {message, message + length}, address = {NULL, NULL}, update;
    Ranges structs, deletes;
    if (is_addressed && read_bytes(&cursor, &address) != PLAIN)
        Py_RETURN_NONE;
    if (left(&cursor) < 2 || cursor.at[0] != 0 || cursor.at[1] != 2)
        Py_RETURN_NONE;
    cursor.at += 2;
    if (read_bytes(&cursor, &update) != PLAIN || cursor.at != cursor.end)
        Py_RETURN_NONE;
    Cursor walked = update;
    const Outcome outcome = read_update(&walked, &structs, &deletes);
    if (outcome == FAILED)
        return NULL;
    if (outcome == NOT_PLAIN)
        Py_RETURN_NONE;

    PyObject *name;
    if (is_addressed) {
        name = PyUnicode_DecodeUTF8((const char *)address.at, (Py_ssize_t)left(&address), NULL);
        if (name == NULL) {
            if (!PyErr_ExceptionMatches(PyExc_UnicodeDecodeError))
                return NULL;
            PyErr_Clear();
            Py_RETURN_NONE;
        }
    } else {
        name = Py_NewRef(Py_None);
    }
    /* "N" takes the references, and gives them back where one of them is NULL. */
    return Py_BuildValue("(nNNNN)", (Py_ssize_t)length, name,
                         PyBytes_FromStringAndSize((const char *)update.at, (Py_ssize_t)left(&update)),
                         ranges_as_tuple(&structs), ranges_as_tuple(&deletes));
}

static PyObject *read_update_frame(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    char *chunk;
    Py_ssize_t size;
    size_t length;
    uint8_t message[MAX_MESSAGE];
    (void)module;
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "read_update_frame takes two arguments");
        return NULL;
    }
    if (PyBytes_AsStringAndSize(arguments[0], &chunk, &size) < 0)
        return NULL;
    const int is_addressed = PyObject_IsTrue(arguments[1]);
    if (is_addressed < 0)
        return NULL;
    if (unmask((const uint8_t *)chunk, (size_t)size, message, &length) != PLAIN)
        Py_RETURN_NONE;
    ASAN_POISON_MEMORY_REGION(message + length, MAX_MESSAGE - length);
    PyObject *read = read_update_message(message, length, is_addressed);
    ASAN_UNPOISON_MEMORY_REGION(message + length, MAX_MESSAGE - length);
    return read;
}

/* ---- sending */

typedef struct {
    PyObject *address, *descriptor, *direct, *get_write_buffer_size, *is_closing, *lagging_from, *ready, *sent, *socket, *transport, *wire, *write;
} State;

static State *state_of(PyObject *module) { return PyModule_GetState(module); }

/* Whether a method without arguments returns something false. -1: an exception is set. */
static int is_false(PyObject *object, PyObject *method)
{
    PyObject *answer = PyObject_CallMethodObjArgs(object, method, NULL);
    if (answer == NULL)
        return -1;
    const int truth = PyObject_IsTrue(answer);
    Py_DECREF(answer);
    return truth < 0 ? -1 : !truth;
}

static int call_with(PyObject *object, PyObject *method, PyObject *argument)
{
    PyObject *answer = PyObject_CallMethodObjArgs(object, method, argument, NULL);
    Py_XDECREF(answer);
    return answer == NULL ? -1 : 0;
}

/* Send bytes on a descriptor whose transport has nothing to send, or give them, or what is left of them, to it. */
static int send_or_write(const State *state, PyObject *transport, int descriptor, PyObject *wire)
{
    char *bytes;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(wire, &bytes, &size) < 0)
        return -1;
    int is_free = is_false(transport, state->get_write_buffer_size);
    if (is_free > 0)
        is_free = is_false(transport, state->is_closing);
    if (is_free < 0)
        return -1;
    /* The transport meets an error itself when it writes. */
    const Py_ssize_t sent = is_free ? send(descriptor, bytes, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
    if (sent == size)
        return 0;
    if (sent <= 0)
        return call_with(transport, state->write, wire);
    PyObject *rest = PyBytes_FromStringAndSize(bytes + sent, size - sent);
    if (rest == NULL)
        return -1;
    const int outcome = call_with(transport, state->write, rest);
    Py_DECREF(rest);
    return outcome;
}

/* Whether an attribute is exactly this value. -1: an exception is set. */
static int is_exactly(PyObject *object, PyObject *name, PyObject *value)
{
    PyObject *found = PyObject_GetAttr(object, name);
    Py_XDECREF(found);
    return found == NULL ? -1 : found == value;
}

/* The number of the descriptor that may be used for a socket now; -1: none, and -2: an exception is set. */
static long descriptor_of(const State *state, PyObject *socket)
{
    PyObject *number = PyObject_GetAttr(socket, state->descriptor);
    if (number == NULL)
        return -2;
    const long descriptor = PyLong_AsLong(number);
    Py_DECREF(number);
    if (descriptor == -1 && PyErr_Occurred())
        return -2;
    if (descriptor < 0 || descriptor > INT32_MAX)
        return -1;
    const int is_direct = is_exactly(socket, state->direct, Py_True);
    return is_direct < 0 ? -2 : is_direct ? descriptor : -1;
}

static int send_to(const State *state, PyObject *socket, long descriptor, PyObject *wire)
{
    if (PyObject_SetAttr(socket, state->sent, Py_True) < 0)
        return -1;
    PyObject *transport = PyObject_GetAttr(socket, state->transport);
    if (transport == NULL)
        return -1;
    const int outcome = send_or_write(state, transport, (int)descriptor, wire);
    Py_DECREF(transport);
    return outcome;
}

/* `wire` is made when the first socket needs it. */
static int write_to(const State *state, PyObject *socket, PyObject *outgoing, PyObject **wire)
{
    const long descriptor = descriptor_of(state, socket);
    if (descriptor < 0)
        return descriptor == -1 ? call_with(socket, state->write, outgoing) : -1;
    if (*wire == NULL && (*wire = PyObject_GetAttr(outgoing, state->wire)) == NULL)
        return -1;
    return send_to(state, socket, descriptor, *wire);
}

static PyObject *write_to_all(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 2 || !PyList_Check(arguments[0])) {
        PyErr_SetString(PyExc_TypeError, "write_to_all takes a list of sockets and what to write to them");
        return NULL;
    }
    PyObject *sockets = arguments[0], *wire = NULL;
    int outcome = 0;
    /* What is called may change the list: its length is read again, and a socket is held while it is written to. */
    for (Py_ssize_t place = 0; outcome == 0 && place < PyList_Size(sockets); place++) {
        PyObject *socket = Py_NewRef(PyList_GetItem(sockets, place));
        outcome = write_to(state_of(module), socket, arguments[1], &wire);
        Py_DECREF(socket);
    }
    Py_XDECREF(wire);
    if (outcome < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* The address of a connection in UTF-8: empty for None. NOT_PLAIN where it is long. */
static Outcome read_address(PyObject *address, const char **bytes, Py_ssize_t *size)
{
    *bytes = "";
    *size = 0;
    if (address == Py_None)
        return PLAIN;
    *bytes = PyUnicode_AsUTF8AndSize(address, size); /* which the address keeps */
    if (*bytes == NULL)
        return FAILED;
    REQUIRE(*size <= MAX_MESSAGE);
    return PLAIN;
}

/* A varUint of a size up to MAX_MESSAGE. */
static uint8_t *put_size(uint8_t *at, Py_ssize_t size)
{
    if (size > 127)
        *at++ = (uint8_t)(size & 127) | 128;
    *at++ = (uint8_t)(size < 128 ? size : size >> 7);
    return at;
}

/* The frame of an Update message, behind an address if there is one: see core.protocol.messages.encode_update and
   core.protocol.hocuspocus.addressed. The address and the update are small. NULL: an exception is set. */
static PyObject *frame_of(PyObject *address, PyObject *update)
{
    const char *name;
    char *bytes;
    Py_ssize_t name_size, size;
    uint8_t message[2 * MAX_MESSAGE + 8], frame[sizeof(message) + 4], *at = message, *head = frame;
    if (read_address(address, &name, &name_size) != PLAIN || PyBytes_AsStringAndSize(update, &bytes, &size) < 0
        || size > MAX_MESSAGE) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_ValueError, "an address or an update is not small");
        return NULL;
    }
    if (address != Py_None) {
        at = put_size(at, name_size);
        memcpy(at, name, (size_t)name_size);
        at += name_size;
    }
    *at++ = 0;
    *at++ = 2;
    at = put_size(at, size);
    memcpy(at, bytes, (size_t)size);
    at += size;
    const size_t length = (size_t)(at - message);
    *head++ = 0x82;
    if (length < 126) {
        *head++ = (uint8_t)length;
    } else {
        *head++ = 126;
        *head++ = (uint8_t)(length >> 8);
        *head++ = (uint8_t)length;
    }
    memcpy(head, message, length);
    return PyBytes_FromStringAndSize((char *)frame, head - frame + (Py_ssize_t)length);
}

/* The socket of a connection that is to be sent an update now, and its address. Both stay NULL where it is not ready. */
static Outcome find_socket(const State *state, PyObject *connection, PyObject **socket, PyObject **address)
{
    const char *name;
    Py_ssize_t size;
    const int is_ready = is_exactly(connection, state->ready, Py_True);
    if (is_ready <= 0)
        return is_ready < 0 ? FAILED : PLAIN;
    const int keeps_up = is_exactly(connection, state->lagging_from, Py_None);
    if (keeps_up <= 0)
        return keeps_up < 0 ? FAILED : NOT_PLAIN;
    if ((*address = PyObject_GetAttr(connection, state->address)) == NULL)
        return FAILED;
    TRY(read_address(*address, &name, &size));
    if ((*socket = PyObject_GetAttr(connection, state->socket)) == NULL)
        return FAILED;
    const long descriptor = descriptor_of(state, *socket);
    return descriptor >= 0 ? PLAIN : descriptor == -1 ? NOT_PLAIN : FAILED;
}

/* Adds the socket and the address of every connection but the author's to a list, one behind the other. */
static Outcome find_sockets(const State *state, PyObject *connections, PyObject *author, PyObject *found)
{
    PyObject *key, *connection;
    Py_ssize_t position = 0;
    while (PyDict_Next(connections, &position, &key, &connection)) {
        PyObject *socket = NULL, *address = NULL;
        const int is_author = PyObject_RichCompareBool(key, author, Py_EQ);
        /* The garbage collector may run code that removes it from the dictionary. */
        Py_INCREF(connection);
        Outcome outcome = is_author < 0 ? FAILED : find_socket(state, connection, &socket, &address);
        Py_DECREF(connection);
        if (outcome == PLAIN && socket != NULL && !is_author
            && (PyList_Append(found, socket) < 0 || PyList_Append(found, address) < 0))
            outcome = FAILED;
        Py_XDECREF(socket);
        Py_XDECREF(address);
        if (outcome != PLAIN) /* also the author's: where it is slow, Python notes that */
            return outcome;
    }
    return PLAIN;
}

/* Sends to what find_sockets has found: a frame is made again where the address is another than the last. */
static int send_update(const State *state, PyObject *found, PyObject *update)
{
    PyObject *frame = NULL, *last = NULL;
    const Py_ssize_t count = PyList_Size(found);
    int outcome = 0;
    for (Py_ssize_t place = 0; outcome == 0 && place < count; place += 2) {
        /* The list is ours: it keeps what is in it. */
        PyObject *socket = PyList_GetItem(found, place), *address = PyList_GetItem(found, place + 1);
        const int is_same = last == NULL ? 0 : PyObject_RichCompareBool(address, last, Py_EQ);
        if (is_same == 0) {
            Py_XDECREF(frame);
            frame = frame_of(address, update);
            last = address;
        }
        const long descriptor = is_same < 0 || frame == NULL ? -2 : descriptor_of(state, socket);
        outcome = descriptor == -2 ? -1 : send_to(state, socket, descriptor, frame);
    }
    Py_XDECREF(frame);
    return outcome;
}

static PyObject *write_update(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 3 || !PyDict_Check(arguments[0]) || !PyBytes_Check(arguments[2])) {
        PyErr_SetString(PyExc_TypeError, "write_update takes a dictionary of connections, a key of it and an update");
        return NULL;
    }
    const State *state = state_of(module);
    if (PyBytes_Size(arguments[2]) > MAX_MESSAGE)
        Py_RETURN_NONE;
    PyObject *found = PyList_New(0), *deliveries = NULL;
    if (found == NULL)
        return NULL;
    const Outcome outcome = find_sockets(state, arguments[0], arguments[1], found);
    if (outcome == NOT_PLAIN)
        deliveries = Py_NewRef(Py_None);
    else if (outcome == PLAIN && send_update(state, found, arguments[2]) == 0)
        deliveries = PyLong_FromSsize_t(PyList_Size(found) / 2);
    Py_DECREF(found);
    return deliveries;
}

/* ---- the module */

static PyMethodDef methods[] = {
    {"inspect_plain", inspect_plain, METH_O, NULL},
    {"read_update_frame", (PyCFunction)(void (*)(void))read_update_frame, METH_FASTCALL, NULL},
    {"write_update", (PyCFunction)(void (*)(void))write_update, METH_FASTCALL, NULL},
    {"write_to_all", (PyCFunction)(void (*)(void))write_to_all, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static int execute(PyObject *module)
{
    State *state = state_of(module);
    return (state->address = PyUnicode_InternFromString("address")) == NULL
        || (state->descriptor = PyUnicode_InternFromString("descriptor")) == NULL
        || (state->direct = PyUnicode_InternFromString("_direct")) == NULL
        || (state->get_write_buffer_size = PyUnicode_InternFromString("get_write_buffer_size")) == NULL
        || (state->is_closing = PyUnicode_InternFromString("is_closing")) == NULL
        || (state->lagging_from = PyUnicode_InternFromString("lagging_from")) == NULL
        || (state->ready = PyUnicode_InternFromString("ready")) == NULL
        || (state->sent = PyUnicode_InternFromString("_sent")) == NULL
        || (state->socket = PyUnicode_InternFromString("socket")) == NULL
        || (state->transport = PyUnicode_InternFromString("_transport")) == NULL
        || (state->wire = PyUnicode_InternFromString("wire")) == NULL
        || (state->write = PyUnicode_InternFromString("write")) == NULL
        || PyModule_AddIntConstant(module, "INTERFACE", INTERFACE) < 0 ? -1 : 0;
}

static int traverse(PyObject *module, visitproc visit, void *argument)
{
    (void)module, (void)visit, (void)argument; /* strings only: no circles */
    return 0;
}

static int clear(PyObject *module)
{
    State *state = state_of(module);
    Py_CLEAR(state->address);
    Py_CLEAR(state->descriptor);
    Py_CLEAR(state->direct);
    Py_CLEAR(state->get_write_buffer_size);
    Py_CLEAR(state->is_closing);
    Py_CLEAR(state->lagging_from);
    Py_CLEAR(state->ready);
    Py_CLEAR(state->sent);
    Py_CLEAR(state->socket);
    Py_CLEAR(state->transport);
    Py_CLEAR(state->wire);
    Py_CLEAR(state->write);
    return 0;
}

static void release(void *module) { clear(module); }

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "compiled",
    .m_size = sizeof(State),
    .m_methods = methods,
    .m_slots = slots,
    .m_traverse = traverse,
    .m_clear = clear,
    .m_free = release,
};

PyMODINIT_FUNC PyInit_compiled(void) { return PyModuleDef_Init(&definition); }
