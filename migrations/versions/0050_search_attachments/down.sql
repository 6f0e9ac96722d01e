DROP TRIGGER IF EXISTS text_due ON attachments;
DROP TRIGGER IF EXISTS documents_60_texts ON documents;
DROP FUNCTION IF EXISTS app.attachment_text_due;
DROP FUNCTION IF EXISTS app.document_texts_due;
DROP FUNCTION IF EXISTS app.search_attachments;
DROP TABLE attachment_texts;
