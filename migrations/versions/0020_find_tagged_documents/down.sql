DROP FUNCTION app.tagged_with(uuid, text[], integer);
