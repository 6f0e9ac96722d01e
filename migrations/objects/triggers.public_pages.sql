CREATE OR REPLACE TRIGGER changed BEFORE UPDATE ON public_pages
  FOR EACH ROW EXECUTE FUNCTION app.public_page_changed();
